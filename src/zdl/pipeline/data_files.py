"""Find and read the user's own files that a problem needs.

They are under problems/, so that Git or DVC tracks them and both engines notice an edit. A digest of their
contents is part of the name of every file that is made from them.
"""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from zdl import Error
from zdl.artifacts.fingerprint import OWN
from zdl.config.problem import Problem


def list_files(problem: Problem, data: Mapping[str, Any]) -> list[Path]:
    """The files that a problem reads. A folder stands for all files in it, except hidden ones and Python's
    own. An `Error` names a path that does not exist."""
    paths: list[Path] = []
    names = problem.get("files", lambda data: ())(data)
    if isinstance(names, str):
        raise Error(f"files: gives {names!r} (needed: a list of paths)")
    for path in map(Path, names):
        if path.is_absolute() or ".." in path.parts or path.parts[:1] != (OWN.name,):
            raise Error(f"{path}: is not a path below {OWN.name}/ (needed, so that an edit of it is noticed)")
        contained = (each for each in path.rglob("*") if each.is_file() and not _is_by_the_way(each))
        files = [path] if path.is_file() else sorted(contained)
        if not files:
            raise Error(f"{path}: there is no such file (needed by {problem.module.__name__})")
        paths += files
    return paths


def _is_by_the_way(path: Path) -> bool:
    """Whether a file is not the user's, but one that Python or a file manager made."""
    return any(part == "__pycache__" or part[0] == "." or part == "Thumbs.db" for part in path.parts)


def digests(paths: Iterable[Path]) -> dict[str, str]:
    """The SHA-256 of each file in hexadecimal, by path."""
    return {path.as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def contents(expected: Mapping[str, str]) -> dict[str, bytes]:
    """The contents of the files with these digests. An `Error` names a file that was edited meanwhile."""
    files = {name: Path(name).read_bytes() for name in expected}
    for name, data in files.items():
        if hashlib.sha256(data).hexdigest() != expected[name]:
            raise Error(f"{name}: was edited while it was read; run again")
    return files
