"""Manifests: records of the files that a step published, and of what they were made from.

A file under reports/ has a fixed name and no seal, so that Git can track it and people can read it. Its
manifest makes up for both: it is named by a digest of all that determines the published files, and holds
their checksums.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zdl.artifacts.artifact import Artifact
from zdl.artifacts.encoding import CorruptFileError, sealed_json
from zdl.artifacts.io import File, read_json, sha256_of_file, write


def publish(artifact: Artifact, contents: Mapping[str, bytes]) -> None:
    """Write the files that a step made, then their manifest. Delete published files that the step
    did not make."""
    for name, path in artifact.published.items():
        if name in contents:
            write(path, contents[name])
        else:
            path.unlink(missing_ok=True)
    files = {artifact.published[name]: data for name, data in contents.items()}
    write(artifact.path, manifest(artifact, files))


def manifest(file: File, files: Mapping[Path, bytes]) -> bytes:
    """The contents of a manifest of `files`."""
    checksums = {str(path): hashlib.sha256(data).hexdigest() for path, data in files.items()}
    return sealed_json({"digest": file.digest, "files": dict(sorted(checksums.items()))})


def changed_files(file: File) -> list[str]:
    """The published files that differ from a manifest. A corrupt manifest raises `CorruptFileError`."""
    checksums: dict[str, str] = read_json(file.path, file.digest, _is_manifest)["files"]
    return [path for path, expected in checksums.items() if sha256_of_file(path) != expected]


def is_current(file: File) -> bool:
    """Whether a manifest is intact, and the published files match it byte for byte."""
    try:
        return not changed_files(file)
    except (CorruptFileError, OSError):
        return False


def _is_manifest(contents: dict[str, Any]) -> bool:
    """Whether contents name only files of this project. (Links are not followed: results/ and reports/ may be
    links to another disk.)"""
    paths = map(Path, dict(contents["files"]))
    return all(not path.is_absolute() and ".." not in path.parts for path in paths)
