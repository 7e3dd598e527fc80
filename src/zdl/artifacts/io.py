"""How files are written and read: in one step, and under a seal.

No engine notices a truncated or hand-edited intermediate file, so every one ends in the SHA-256 of all
the bytes before it, and says by a digest what it is. A reader gets the contents, or a
`CorruptFileError`: nothing is parsed before the seal holds, and nothing is ever unpickled or unpacked. And
since anybody can compute a seal, what was parsed has to have the shape of its kind (`Validator`) before a
step sees it.

`read` is for the shell of a step, which hands bytes on and never looks into them. `decode_json`,
`decode_npz`, `sealed_json` and `sealed_npz` belong to what a step computes, and so to its fingerprint.
"""

import hashlib
import io
import json
import os
import re
import stat
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from zdl import Error

STORE = Path(".zdl")  # this work tree's own, ignored by Git and DVC: files in the making, locks, damage
# What any work tree may take from it: records, downloads, locks of trials. An experiment that DVC queues runs
# in a copy of the repository under .dvc/tmp/exps/, which is deleted afterwards: it has those of the work tree
# that it was queued in. (In its own repository nothing else says which that is.)
QUEUED = Path.cwd().parts[-4:-1] == (".dvc", "tmp", "exps")
SHARED = Path("../../../..", STORE) if QUEUED else STORE
CACHED_TRIALS = SHARED / "trials"  # every record that was ever trained here
HEX = 64  # digits of a SHA-256
JSON_END = b'"}\n'  # what follows the seal in a JSON file; in a .npz nothing does
LIMIT = 2**30  # bytes: more than any file here has
NPY = re.compile(  # the head of an array as `sealed_npz` writes it: its type and its shape
    rb"\x93NUMPY\x01\x00..\{'descr': '([<>|][fuU]\d+)', 'fortran_order': False, "
    rb"'shape': \(([\d, ]*)\), \} *\n",
    re.DOTALL,
)

Fits = Callable[[dict[str, Any]], object]  # whether contents have a shape; whatever it raises means no


class File(NamedTuple):
    """Where a file lies, the digest that it holds (of all that determines what is in it), and its shape."""

    path: Path
    digest: str
    fits: Fits = bool


class CorruptFileError(Error):
    """A file that is torn, edited by hand, or another's."""


@contextmanager
def parsing(path: str | Path) -> Iterator[None]:
    """A context in which the contents of `path` are taken apart: whatever that raises is the file's fault."""
    try:
        yield
    except (Error, OSError, MemoryError):  # these last are no fault of the file's
        raise
    except Exception as error:
        raise CorruptFileError(f"{path}: does not hold what it should ({type(error).__name__})") from None


def canonical(value: Any) -> bytes:
    """JSON with one spelling for equal values: sorted keys, no spaces, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON of `value`, as 64 hex digits."""
    return hashlib.sha256(canonical(value)).hexdigest()


def digest_of_arrays(arrays: Mapping[str, NDArray[Any]]) -> str:
    """SHA-256 of the numbers themselves, whatever file they lie in."""
    return hashlib.sha256(b"".join(arrays[name].tobytes() for name in sorted(arrays))).hexdigest()


def is_digest(text: str) -> bool:
    """Whether a text is a digest, and so fit to be part of a file's name."""
    return re.fullmatch(f"[0-9a-f]{{{HEX}}}", text) is not None


def write(path: str | Path, data: bytes) -> None:
    """Put `data` at `path` in one step: a reader finds all of it or nothing. (The temporary file lies in the
    store, as DVC tracks whole directories.)"""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    STORE.mkdir(exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=STORE, suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException as error:
        Path(temporary).unlink(missing_ok=True)
        if isinstance(error, OSError):  # of a full disk it names no file
            error.filename = str(path)
        raise


def sealed_json(value: Mapping[str, Any]) -> bytes:
    """`value`, one key a line, under a last key "sha256" that seals all that stands before its digits."""
    lines = [f"{json.dumps(key)}: {json.dumps(item, allow_nan=False)}" for key, item in value.items()]
    body = ("{" + ",\n".join([*lines, '"sha256": "'])).encode()
    return body + hashlib.sha256(body).hexdigest().encode() + JSON_END


def decode_json(data: bytes) -> dict[str, Any]:
    """The contents of a sealed JSON file, whose seal was checked when it was read."""
    value: dict[str, Any] = json.loads(data)
    del value["sha256"]
    return value


def read_json(path: str | Path, expected: str, fits: Fits = bool) -> dict[str, Any]:
    """Contents of a sealed JSON file whose "digest" is `expected`, else `CorruptFileError`."""
    return _json(path, expected, fits)[1]


def _json(path: str | Path, expected: str, fits: Fits) -> tuple[bytes, dict[str, Any]]:
    data = _unsealed(path, JSON_END)
    with parsing(path):
        value = decode_json(data)
        _check(path, value, str(value["digest"]), expected, fits)
    return data, value


def sealed_npz(arrays: Mapping[str, NDArray[Any]], digest: str) -> bytes:
    """`arrays` as an uncompressed .npz with no time in it, sealed by its ZIP comment.

    (Compressed bytes differ between versions of zlib.)
    """
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.comment = bytes(HEX)
        for name, array in {**arrays, "digest": np.array(digest)}.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w") as member:
                np.lib.format.write_array(member, np.asarray(array, order="C"), allow_pickle=False)
    body = out.getvalue()[:-HEX]
    return body + hashlib.sha256(body).hexdigest().encode()


def decode_npz(data: bytes) -> dict[str, NDArray[Any]]:
    """The arrays of a sealed .npz, whose seal was checked when it was read. They cannot be written to.

    A member that is compressed, or that overlaps another, could unpack into any number of bytes; a header
    that promises more than follows, into any amount of memory. Both are refused.
    """
    arrays = _members(data, "the archive")
    del arrays["digest"]
    return arrays


def read_npz(path: str | Path, expected: str, fits: Fits = bool) -> dict[str, NDArray[Any]]:
    """The arrays of a sealed .npz whose "digest" is `expected`; `CorruptFileError` if it is anything else."""
    return _npz(path, expected, fits)[1]


def _npz(path: str | Path, expected: str, fits: Fits) -> tuple[bytes, dict[str, NDArray[Any]]]:
    data = _unsealed(path)
    with parsing(path):
        arrays = _members(data, path)
        _check(path, arrays, str(arrays.pop("digest")), expected, fits)
    return data, arrays


def _members(data: bytes, path: str | Path) -> dict[str, NDArray[Any]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
        if any(member.compress_type for member in members) or sum(m.file_size for m in members) > len(data):
            raise CorruptFileError(
                f"{path}: is packed (allowed: members that are stored as they are, each once)"
            )
        return {member.filename.removesuffix(".npy"): _array(archive.read(member)) for member in members}


def read(file: File) -> bytes:
    """The bytes of a file that is whole; `CorruptFileError` if it is anything else."""
    return (_npz if file.path.suffix == ".npz" else _json)(*file)[0]


def _array(member: bytes) -> NDArray[Any]:
    head = NPY.match(member)
    if not head:
        raise ValueError("no array of floats, unsigned integers or text in C order")
    flat = np.frombuffer(member, head[1].decode(), offset=head.end())
    return flat.reshape([int(n) for n in head[2].split(b",") if n.strip()])


def _check(path: str | Path, value: dict[str, Any], digest: str, expected: str, fits: Fits) -> None:
    if digest != expected:
        names = [name[:12] if is_digest(name) else name[:40] for name in (digest, expected)]
        raise CorruptFileError(f"{path}: holds something else ({', not '.join(names)})")
    if not fits(value):
        raise CorruptFileError(f"{path}: does not hold what it should")


def regular(path: str | Path) -> Path:
    """`path`, if a plain file of reasonable size lies there: no pipe is waited for, no device read."""
    path = Path(path)
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise CorruptFileError(f"{path}: cannot be read ({getattr(error, 'strerror', error)})") from None
    if not stat.S_ISREG(status.st_mode) or status.st_size > LIMIT:
        raise CorruptFileError(f"{path}: cannot be read (allowed: a file of up to {LIMIT} bytes)")
    return path


def _unsealed(path: str | Path, end: bytes = b"") -> bytes:
    data = regular(path).read_bytes()
    cut = len(data) - len(end) - HEX
    if cut <= 0 or data[cut:] != hashlib.sha256(data[:cut]).hexdigest().encode() + end:
        raise CorruptFileError(f"{path}: is damaged (its checksum does not hold)")
    return data
