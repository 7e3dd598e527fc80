"""How files are written and read: in one step, and under a seal.

No engine notices a truncated or hand-edited intermediate file, so every one ends in the SHA-256 of all
the bytes before it, and says by a digest what it is. A reader gets the contents, or `Damaged`: no byte
is parsed before the seal holds, and nothing is ever unpickled or unpacked. And since anybody can compute a
seal, what was parsed has to have the shape of its kind (`Fits`) before a step sees it.
"""

import ast
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
from functools import lru_cache
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


class Damaged(Error):
    """A file that is torn, edited by hand, or another's."""


@contextmanager
def parsing(path: str | Path) -> Iterator[None]:
    """A context in which the contents of `path` are taken apart: whatever that raises is the file's fault."""
    try:
        yield
    except (Error, OSError, MemoryError):  # these last are no fault of the file's
        raise
    except Exception as error:
        raise Damaged(f"{path}: does not hold what it should ({type(error).__name__})") from None


def canonical(value: Any) -> bytes:
    """JSON with one spelling for equal values: sorted keys, no spaces, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON of `value`, as 64 hex digits."""
    return hashlib.sha256(canonical(value)).hexdigest()


def is_digest(text: str) -> bool:
    """Whether a text is a digest, and so fit to be part of a file's name."""
    return re.fullmatch(f"[0-9a-f]{{{HEX}}}", text) is not None


@lru_cache  # a search of many rounds asks for the same one many times
def code_digest(*names: str) -> str:
    """Digest of what parts of zdl compute: each a module, a package with all its modules (``figures/``), or a
    function of a module (``steps.rank``).

    Comments, formatting and docstrings do not count. It is taken over the syntax tree with its empty fields
    left out, which is the same on every Python from 3.11 to 3.13 (`ast.dump` is not).
    """
    return digest([_code(name) for name in names])


@lru_cache  # several digests hold the same module, and every process asks for most of them as it starts
def _code(name: str) -> Any:
    return _skeleton(_parsed(*name.split(".")))


def _parsed(module: str, function: str = "") -> ast.AST | list[Any]:
    path = Path(__file__).parent / module
    if module.endswith("/"):
        return [[file.name, _parsed(f"{module}{file.stem}")] for file in sorted(path.glob("*.py"))]
    tree = ast.parse(path.with_name(f"{path.name}.py").read_text("utf-8"))
    if not function:
        return tree
    return next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == function)


def _skeleton(node: Any) -> Any:
    if isinstance(node, list):
        return [_skeleton(item) for item in node]
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = {name: value for name, value in ast.iter_fields(node) if value not in (None, [])}
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
        fields["body"] = fields["body"][1:]
    return [type(node).__name__, {name: _skeleton(value) for name, value in fields.items()}]


def write(path: str | Path, data: bytes, alone: bool = False) -> None:
    """Put `data` at `path` in one step: a reader finds all of it or nothing.

    With `alone`, the other files of the directory are deleted afterwards: DVC tracks the directory, and
    what lies there must follow from today's settings. The temporary file lies in the store for the same
    reason.
    """
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
    if alone:
        for other in path.parent.iterdir():
            if other != path:
                other.unlink(missing_ok=True)


def sealed_json(value: Mapping[str, Any]) -> bytes:
    """`value`, one key a line, under a last key "sha256" that seals all that stands before its digits."""
    lines = [f"{json.dumps(key)}: {json.dumps(item, allow_nan=False)}" for key, item in value.items()]
    body = ("{" + ",\n".join([*lines, '"sha256": "'])).encode()
    return body + hashlib.sha256(body).hexdigest().encode() + JSON_END


def read_json(path: str | Path, expected: str, fits: Fits = bool) -> dict[str, Any]:
    """The contents of a sealed JSON file whose "digest" is `expected`; `Damaged` if it is anything else."""
    with parsing(path):
        value: dict[str, Any] = json.loads(_unsealed(path, JSON_END))
        del value["sha256"]
        return _held(path, value, str(value["digest"]), expected, fits)


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


def read_npz(path: str | Path, expected: str, fits: Fits = bool) -> dict[str, NDArray[Any]]:
    """The arrays of a sealed .npz whose "digest" is `expected`; `Damaged` if it is anything else.

    They cannot be written to. A member that is compressed, or that overlaps another, could unpack into any
    number of bytes; a header that promises more than follows, into any amount of memory.
    """
    data = _unsealed(path)
    with parsing(path), zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
        if any(member.compress_type for member in members) or sum(m.file_size for m in members) > len(data):
            raise Damaged(f"{path}: is packed (allowed: members that are stored as they are, each once)")
        arrays = {member.filename.removesuffix(".npy"): _array(archive.read(member)) for member in members}
        return _held(path, arrays, str(arrays.pop("digest")), expected, fits)


def _array(member: bytes) -> NDArray[Any]:
    head = NPY.match(member)
    if not head:
        raise ValueError("no array of floats, unsigned integers or text in C order")
    flat = np.frombuffer(member, head[1].decode(), offset=head.end())
    return flat.reshape([int(n) for n in head[2].split(b",") if n.strip()])


def _held(path: str | Path, value: dict[str, Any], found: str, expected: str, fits: Fits) -> dict[str, Any]:
    if found != expected:
        names = [name[:12] if is_digest(name) else name[:40] for name in (found, expected)]
        raise Damaged(f"{path}: holds something else ({', not '.join(names)})")
    if not fits(value):
        raise Damaged(f"{path}: does not hold what it should")
    return value


def regular(path: str | Path) -> Path:
    """`path`, if a plain file of reasonable size lies there: no pipe is waited for, no device read."""
    path = Path(path)
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise Damaged(f"{path}: cannot be read ({getattr(error, 'strerror', error)})") from None
    if not stat.S_ISREG(status.st_mode) or status.st_size > LIMIT:
        raise Damaged(f"{path}: cannot be read (allowed: a file of up to {LIMIT} bytes)")
    return path


def _unsealed(path: str | Path, end: bytes = b"") -> bytes:
    data = regular(path).read_bytes()
    cut = len(data) - len(end) - HEX
    if cut <= 0 or data[cut:] != hashlib.sha256(data[:cut]).hexdigest().encode() + end:
        raise Damaged(f"{path}: is damaged (its checksum does not hold)")
    return data
