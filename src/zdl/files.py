"""How files are written and read: in one step, and under a seal.

No engine notices a truncated or hand-edited intermediate file, so every one ends in the SHA-256 of all
the bytes before it, and says by a digest what it is. A reader gets the contents, or `Damaged`: no byte
is parsed before the seal holds, and nothing is ever unpickled.
"""

import ast
import hashlib
import io
import json
import os
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from zdl import Error

STORE = Path(
    ".zdl"
)  # this machine's own, ignored by Git and DVC: records, downloads, locks, files in the making
HEX = 64  # digits of a SHA-256
JSON_END = b'"}\n'  # what follows the seal in a JSON file; in a .npz nothing does


class File(NamedTuple):
    """Where a file lies, and the digest that it holds: of all that determines what is in it."""

    path: Path
    digest: str


class Damaged(Error):
    """A file that is torn, edited by hand, or another's."""


def canonical(value: Any) -> bytes:
    """JSON with one spelling for equal values: sorted keys, no spaces, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON of `value`, as 64 hex digits."""
    return hashlib.sha256(canonical(value)).hexdigest()


def code_digest(*names: str) -> str:
    """Digest of what parts of zdl compute, each a module or a function of one, such as ``steps.rank``.

    Comments, formatting and docstrings do not count. It is taken over the syntax tree with its empty fields
    left out, which is the same on every Python from 3.11 to 3.13 (`ast.dump` is not).
    """
    return digest([_skeleton(_parsed(*name.split("."))) for name in names])


def _parsed(module: str, function: str = "") -> ast.AST:
    tree = ast.parse((Path(__file__).parent / f"{module}.py").read_text("utf-8"))
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
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
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


def read_json(path: str | Path, expected: str) -> dict[str, Any]:
    """The contents of a sealed JSON file whose "digest" is `expected`; `Damaged` if it is anything else."""
    value: dict[str, Any] = json.loads(_unsealed(path, JSON_END))
    del value["sha256"]
    if value.get("digest") != expected:
        raise Damaged(f"{path}: holds something else ({str(value.get('digest'))[:12]}, not {expected[:12]})")
    return value


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


def read_npz(path: str | Path, expected: str) -> dict[str, NDArray[Any]]:
    """The arrays of a sealed .npz whose "digest" is `expected`; `Damaged` if it is anything else."""
    with np.load(io.BytesIO(_unsealed(path)), allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    found = str(arrays.pop("digest", ""))
    if found != expected:
        raise Damaged(f"{path}: holds something else ({found[:12]}, not {expected[:12]})")
    return arrays


def _unsealed(path: str | Path, end: bytes = b"") -> bytes:
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise Damaged(f"{path}: cannot be read ({error.strerror})") from None
    cut = len(data) - len(end) - HEX
    if cut <= 0 or data[cut:] != hashlib.sha256(data[:cut]).hexdigest().encode() + end:
        raise Damaged(f"{path}: is damaged (its checksum does not hold)")
    return data
