"""How files are written and read: in one step, and never without a check.

A reader gets the contents of a whole file or a `CorruptFileError`. Nothing is parsed before the checksum
holds, and nothing is ever unpickled. Anybody can compute a checksum, so contents must also have the shape of
their kind (`zdl.artifacts.schemas`) before a step gets them.
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

LOCAL = Path(".zdl")  # of this work tree alone, ignored by Git and DVC: locks, corrupt files
EXPERIMENTS = (".dvc", "tmp", "exps")
# What work trees share: cached records, downloads, locks. An experiment that DVC queues runs in a copy of the
# repository under .dvc/tmp/exps/, which DVC deletes afterwards. It uses those of the work tree that it was
# queued in, which only its location tells.
QUEUED_IN = next((path.parents[2] for path in Path.cwd().parents if path.parts[-3:] == EXPERIMENTS), None)
SHARED = Path(os.path.relpath(QUEUED_IN / LOCAL)) if QUEUED_IN else LOCAL
TEMPORARY = ".tmp"  # the suffix of a file that is being written; Git and DVC ignore it
AN_HOUR = 3600  # seconds; no file takes so long to write
LIMIT = 2**30  # bytes: more than any file here has


class File(NamedTuple):
    """Where a file is, the digest that it holds (of all that determines its contents), and their shape."""

    path: Path
    digest: str
    is_valid: Validator = bool


def write(path: str | Path, data: bytes) -> None:
    """Put `data` at `path` in one step: a reader finds all of it or nothing. The temporary file is beside it,
    since a file can be renamed within its file system only."""
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
        if isinstance(error, OSError):  # that of a full disk names no file
            error.filename = str(path)
        raise


def _mode_of_new_files() -> int:
    """The mode that the user wants new files to have; mkstemp lets nobody else read its own."""
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def others(folder: Path, *keep: Path) -> set[Path]:
    """What is in a directory, but for the files to keep and those that a process may be writing."""
    paths = {*folder.iterdir()} - {*keep} if folder.is_dir() else set()
    return {path for path in paths if not _is_being_written(path)}


def _is_being_written(path: Path) -> bool:
    try:
        return path.suffix == TEMPORARY and time.time() - path.stat().st_mtime < AN_HOUR
    except FileNotFoundError:
        return True  # no longer there: it has its own name now


def read(file: File) -> bytes:
    """The bytes of a whole file, else `CorruptFileError`."""
    return _read(file)[0]


def read_json(path: str | Path, expected: str, is_valid: Validator = bool) -> dict[str, Any]:
    """The contents of a sealed JSON file whose "digest" is `expected`, else `CorruptFileError`."""
    return _read(File(Path(path), expected, is_valid))[1]


def read_npz(path: str | Path, expected: str, is_valid: Validator = bool) -> dict[str, NDArray[Any]]:
    """The arrays of a sealed .npz whose "digest" is `expected`, else `CorruptFileError`."""
    return _read(File(Path(path), expected, is_valid))[1]


def _read(file: File) -> tuple[bytes, dict[str, Any]]:
    """The bytes and the contents of a file whose checksum, digest and shape are right."""
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
    """The bytes of a file whose checksum, which `end` follows, is right."""
    data = regular(path).read_bytes()
    cut = len(data) - len(end) - HEX
    if cut <= 0 or data[cut:] != hashlib.sha256(data[:cut]).hexdigest().encode() + end:
        raise CorruptFileError(f"{path}: is damaged (its checksum does not hold)")
    return data


def regular(path: str | Path) -> Path:
    """`path`, if it is a plain file of reasonable size: reading a pipe or a device might never end."""
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
    """The checksum of a file, empty if it cannot be read."""
    try:
        return hashlib.sha256(regular(path).read_bytes()).hexdigest()
    except CorruptFileError:
        return ""
