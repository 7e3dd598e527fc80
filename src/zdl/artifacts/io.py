"""Read and write files: each write is atomic, and each read checks the file.

A reader gets the contents of an intact file or a `CorruptFileError`. Nothing is parsed before its checksum is
checked, and nothing is ever unpickled. Anybody can compute a checksum, so contents must also have the shape
of their kind (`zdl.artifacts.schemas`) before a step gets them.
"""

import hashlib
import os
import stat
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

from numpy.typing import NDArray

from zdl.artifacts.encoding import HEX, JSON_END, CorruptFileError, decode_json, is_digest, load_npz, parsing
from zdl.artifacts.schemas import Validator

LOCAL = Path(".zdl")  # files of this work tree only: locks, corrupt files; Git and DVC ignore them
EXPERIMENTS = (".dvc", "tmp", "exps")
# Work trees share cached records, downloads and locks. DVC runs a queued experiment in a copy of the
# repository under .dvc/tmp/exps/, and deletes the copy afterwards. The experiment uses the shared files of
# the work tree in which it was queued. Only the path of the copy tells which one that is.
QUEUED_IN = next((path.parents[2] for path in Path.cwd().parents if path.parts[-3:] == EXPERIMENTS), None)
SHARED = Path(os.path.relpath(QUEUED_IN / LOCAL)) if QUEUED_IN else LOCAL
TEMPORARY = ".tmp"  # the suffix of a file that is being written; Git and DVC ignore it
AN_HOUR = 3600  # seconds: writing a file takes less
LIMIT = 2**30  # bytes: more than any file here has


class File(NamedTuple):
    """The path of a file, the digest of all that determines it, and a check of the shape of its contents."""

    path: Path
    digest: str
    is_valid: Validator = bool


def write(path: str | Path, data: bytes) -> None:
    """Write `data` to `path` atomically: a reader never finds a part of it.

    The temporary file is in the same directory, since renaming is atomic only within a file system. Raises an
    OSError that names `path`.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.", suffix=TEMPORARY)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(temporary, _mode_of_new_files())
        os.replace(temporary, path)
    except BaseException as error:
        Path(temporary).unlink(missing_ok=True)
        if isinstance(error, OSError):  # the error of a full disk names no file
            error.filename = str(path)
        raise


def _mode_of_new_files() -> int:
    """The mode of new files by the user's umask. (Only the user can read the files of mkstemp.)"""
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def others(folder: Path, *keep: Path) -> set[Path]:
    """The contents of a directory, except the files to keep and those that a process may be writing."""
    paths = {*folder.iterdir()} - {*keep} if folder.is_dir() else set()
    return {path for path in paths if not _is_being_written(path)}


def _is_being_written(path: Path) -> bool:
    try:
        return path.suffix == TEMPORARY and time.time() - path.stat().st_mtime < AN_HOUR
    except FileNotFoundError:
        return True  # it has just been renamed to its final name


def read(file: File) -> bytes:
    """The bytes of an intact file. Raises `CorruptFileError` if it is missing or corrupt."""
    return _read(file)[0]


def read_json(path: str | Path, expected: str, is_valid: Validator = bool) -> dict[str, Any]:
    """The contents of a sealed JSON file. Raises `CorruptFileError` unless its "digest" is `expected`."""
    return _read(File(Path(path), expected, is_valid))[1]


def read_npz(path: str | Path, expected: str, is_valid: Validator = bool) -> dict[str, NDArray[Any]]:
    """The arrays of a sealed .npz. Raises `CorruptFileError` unless its "digest" is `expected`."""
    return _read(File(Path(path), expected, is_valid))[1]


def _read(file: File) -> tuple[bytes, dict[str, Any]]:
    """The bytes and the contents of a file, after a check of its checksum, digest and shape."""
    path, expected, is_valid = file
    npz = path.suffix == ".npz"
    data = _with_checksum(path, b"" if npz else JSON_END)
    with parsing(path):
        contents = load_npz(data) if npz else decode_json(data)
        digest = str(contents.pop("digest") if npz else contents["digest"])
        if digest != expected:
            names = [name[:12] if is_digest(name) else name[:40] for name in (digest, expected)]
            raise CorruptFileError(f"{path}: holds something else ({', not '.join(names)})")
        if not is_valid(contents):
            raise CorruptFileError(f"{path}: does not hold what it should")
    return data, contents


def _with_checksum(path: Path, end: bytes) -> bytes:
    """The bytes of a file, after a check of its checksum. `end` is what follows the checksum."""
    data = regular(path).read_bytes()
    cut = len(data) - len(end) - HEX
    if cut <= 0 or data[cut:] != hashlib.sha256(data[:cut]).hexdigest().encode() + end:
        raise CorruptFileError(f"{path}: is damaged (its checksum does not hold)")
    return data


def regular(path: str | Path) -> Path:
    """Return `path` if it is a plain file of at most LIMIT bytes, else raise `CorruptFileError`.

    Reading a pipe or a device might never end.
    """
    path = Path(path)
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        reason = getattr(error, "strerror", error)
        raise CorruptFileError(f"{path}: cannot be read ({reason})") from None
    if not stat.S_ISREG(status.st_mode) or status.st_size > LIMIT:
        raise CorruptFileError(f"{path}: cannot be read (allowed: a file of up to {LIMIT} bytes)")
    return path


def sha256_of_file(path: str | Path) -> str:
    """The SHA-256 of a file in hexadecimal, empty if the file cannot be read."""
    try:
        return hashlib.sha256(regular(path).read_bytes()).hexdigest()
    except CorruptFileError:
        return ""
