"""Makes the data files, each from the bytes of others.

These are all rows of a problem, the rows that a search uses, the held-out rows, and the split for training
and validation. Each function returns a sealed file.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from zdl import Error
from zdl.artifacts.encoding import decode_npz, sealed_npz
from zdl.data.rows import Rows, Split, arrays, divide

Load = Callable[[Mapping[str, Any], Mapping[str, bytes]], Rows]
Prepare = Callable[[NDArray[Any]], NDArray[Any]]


def raw_file(
    files: Mapping[str, bytes], load: Load, data: Mapping[str, Any], regression: bool, digest: str
) -> bytes:
    """All rows of a problem, as `load` makes them from `files`: the same bytes from every source.

    Raises `Error` if `load` does not return valid `Rows`.
    """
    rows = load(data, files)
    if not isinstance(rows, Rows):
        raise Error(f"load: gives {type(rows).__name__} (needed: Rows, which hold_out makes)")
    return sealed_npz(arrays(rows, regression), digest)


def prepared_file(raw: bytes, prepare: Prepare | None, digest: str) -> bytes:
    """The rows that the search uses, prepared."""
    return _rows(raw, "", prepare, digest)


def held_out_file(raw: bytes, prepare: Prepare | None, digest: str) -> bytes:
    """The rows that no part of the search sees, prepared."""
    return _rows(raw, "_held_out", prepare, digest)


def _rows(raw: bytes, suffix: str, prepare: Prepare | None, digest: str) -> bytes:
    rows = decode_npz(raw)
    x, t = rows[f"x{suffix}"], rows[f"t{suffix}"]
    names = {name: rows[name] for name in ("classes", "columns")}
    return sealed_npz({"x": prepare(x) if prepare else x, "t": t, **names}, digest)


def split_file(prepared: bytes, validation_rate: float, seed: int, digest: str) -> bytes:
    """The prepared rows, shuffled and split for training and validation."""
    return sealed_npz(split(decode_npz(prepared), validation_rate, seed)._asdict(), digest)


def split(rows: Mapping[str, NDArray[Any]], validation_rate: float, seed: int | Sequence[int]) -> Split:
    """Shuffle by `seed`, then take the first rows for validation, as in the book."""
    return Split(*divide(rows["x"], rows["t"], validation_rate, seed), rows["classes"])
