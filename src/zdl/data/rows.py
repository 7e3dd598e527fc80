"""The rows of a problem with their labels: types, the split, and checks."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from zdl import Error


class Rows(NamedTuple):
    """The rows that a search uses, and the held-out rows, which no part of it sees.

    Rows x (n, ...) are numbers, and labels t (n,) are from 0 to len(classes) - 1. In regression there are no
    classes, and labels are numbers. `columns` are the names of the numbers in a row of a table.
    """

    x: NDArray[Any]
    t: NDArray[Any]
    x_held_out: NDArray[Any]
    t_held_out: NDArray[Any]
    classes: Sequence[str]
    columns: Sequence[str] = ()


class Split(NamedTuple):
    """Rows to train on, and rows that score a trial."""

    x_train: NDArray[Any]
    t_train: NDArray[Any]
    x_val: NDArray[Any]
    t_val: NDArray[Any]
    classes: NDArray[np.str_]


def shuffle_dataset(
    x: NDArray[Any], t: NDArray[Any], rng: np.random.Generator
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Rows of x (n, ...) and t (n, ...) in one random order, as in the book's common/util.py."""
    # This ranks raw bits instead of calling rng.permutation: NumPy guarantees the same raw bits in future
    # versions, but not the same permutations.
    permutation = np.argsort(rng.bit_generator.random_raw(len(x)), kind="stable")
    return x[permutation], t[permutation]


def share_of(rate: float, n: int) -> int:
    """The exact floor of rate * n, with the rate as it is written: 0.29 of 100 is 29 (28 in floats)."""
    return int(Fraction(repr(float(rate))) * n)


def divide(
    x: NDArray[Any], t: NDArray[Any], rate: float, seed: int | Sequence[int]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Shuffle rows by `seed` and separate the first `share_of` them from the others.

    Returns x and t of the others, then x and t of the first.
    """
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed)))
    x, t = shuffle_dataset(x, t, rng)
    n = share_of(rate, len(x))
    return x[n:], t[n:], x[:n], t[:n]


def hold_out(
    x: NDArray[Any],
    labels: Sequence[Any] | NDArray[Any],
    *,
    share: float,
    seed: int,
    columns: Sequence[str] = (),
    regression: bool = False,
) -> Rows:
    """Rows of which a share is held out, chosen by `seed`.

    Classes are the distinct labels, sorted. In regression labels are numbers. Raises `Error` if a row has no
    label, or a label with a fraction that is not for a regression.
    """
    if len(labels) != len(x):
        raise Error(f"labels: {len(labels)} for {len(x)} rows (needed: one for each)")
    if regression:
        return Rows(*divide(np.asarray(x), np.asarray(labels), share, seed), (), columns)
    values = np.asarray(labels).tolist()
    for row, label in enumerate(values):
        if label is None or label != label:  # noqa: PLR0124 - true for NaN only
            raise Error(f"labels: row {row} has none (needed: one for each)")
        if isinstance(label, float) and not label.is_integer():
            raise Error(f"labels: row {row} has {label} (needed: classes; for numbers: regression=True)")
    names = [str(int(label) if isinstance(label, float) else label) for label in values]
    classes = sorted({*names}, key=lambda name: (len(name), name) if name.isdecimal() else (0, name))
    places = {name: place for place, name in enumerate(classes)}
    t = np.array([places[name] for name in names])
    return Rows(*divide(np.asarray(x), t, share, seed), classes, columns)


def arrays(rows: Rows, regression: bool = False) -> Mapping[str, NDArray[Any]]:
    """The rows as arrays for a file.

    Raises `Error` if the rows are invalid, so that a mistake in the data is reported before anything is
    trained.
    """
    classes, columns = np.array(list(rows.classes), str), np.array(list(rows.columns), str)
    contents: dict[str, NDArray[Any]] = {}
    if len(classes) < 2 and not regression:
        raise Error(f"classes: {len(classes)} (needed: 2 or more; in regression, a SCORE such as r2)")
    if len(classes) and regression:
        raise Error(f"classes: {len(classes)} (needed: none, as SCORE is one of regression)")
    for name in ("", "_held_out"):
        x, t = (np.asarray(getattr(rows, part + name)) for part in ("x", "t"))
        if x.dtype.kind not in "biuf":
            raise Error(f"x{name}: {x.dtype} (needed: numbers; encode text, one column for each value)")
        if not len(x) or len(x) != len(t) or t.ndim != 1:
            raise Error(f"x{name}, t{name}: shapes {x.shape} and {t.shape} (needed: rows, each with a label)")
        contents |= {
            f"x{name}": x,
            f"t{name}": _numbers(t, name) if regression else _places(t, name, classes),
        }
    shape, held_out = (contents[name].shape[1:] for name in ("x", "x_held_out"))
    if shape != held_out:
        raise Error(f"x, x_held_out: rows of shapes {shape} and {held_out} (needed: one shape)")
    if len(columns) and shape != columns.shape:
        raise Error(
            f"columns: {len(columns)} names for rows of shape {shape} (needed: a name for each number)"
        )
    return contents | {"classes": classes, "columns": columns}


def _places(t: NDArray[Any], name: str, classes: Sequence[str] | NDArray[np.str_]) -> NDArray[Any]:
    """Labels that are indices of classes, in the smallest type that holds these."""
    if t.dtype.kind not in "iu":
        raise Error(f"t{name}: {t.dtype} (needed: whole numbers, each the place of a class)")
    if t.min() < 0 or t.max() >= len(classes):
        raise Error(f"t{name}: {t.min()} to {t.max()} (needed: 0 to {len(classes) - 1})")
    return t.astype(np.min_scalar_type(len(classes) - 1))


def _numbers(t: NDArray[Any], name: str) -> NDArray[Any]:
    """Labels of a regression, as float64."""
    if t.dtype.kind not in "iuf" or not np.isfinite(t).all():
        raise Error(f"t{name}: {t.dtype}, or not finite (needed: finite numbers)")
    return t.astype(np.float64)
