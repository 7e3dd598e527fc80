"""The answers of a predictor to rows: checks, and the form that records hold.

An invalid answer is a mistake in the problem, so it is reported as an `Error` of one line.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from zdl import Error

# Takes rows x (n, ...) and returns probabilities (n, classes), or in regression numbers (n,)
Predictor = Callable[[NDArray[Any]], NDArray[Any]]
TINY = 1e-6


def probabilities(
    shares: NDArray[Any], rows: int, classes: int, subject: str = "predictor gives"
) -> NDArray[Any]:
    """Check that answers are probabilities of shape (rows, classes), and return them as an array.

    Raises `Error` for another shape, or for values outside [0, 1].
    """
    shares = np.asarray(shares)
    requirement = f"probabilities of all classes, of shape {(rows, classes)}"
    if shares.shape != (rows, classes):
        raise Error(f"train: its {subject} the shape {shares.shape} (needed: {requirement})")
    if not (shares.min() >= -TINY and shares.max() <= 1 + TINY):  # also refuses NaN
        raise Error(f"train: its {subject} {shares.min():.3g} to {shares.max():.3g} (needed: {requirement})")
    return shares


def numbers(answers: NDArray[Any], rows: int, subject: str = "predictor gives") -> NDArray[Any]:
    """Check that answers are finite numbers of shape (rows,), and return them as an array.

    Raises `Error` for another shape or type, or for values that are not finite.
    """
    answers = np.asarray(answers)
    requirement = f"numbers, of shape {(rows,)}"
    if answers.shape != (rows,) or answers.dtype.kind not in "iuf":
        raise Error(f"train: its {subject} {answers.dtype} of shape {answers.shape} (needed: {requirement})")
    if not np.isfinite(answers).all():
        raise Error(f"train: its {subject} NaN or infinity (needed: {requirement}, or diverge)")
    return answers


def in_hex(shares: NDArray[Any]) -> dict[str, str]:
    """The most probable class of each row and its probability in whole percent, as hexadecimal texts.

    `shares` are probabilities (n, classes). Each number has two digits, or four for more than 256 classes.
    (The last bits of a product differ between processors, so percents are whole.)
    """
    percent = np.rint(100 * shares.max(axis=1).clip(0, 1))
    dtype = np.min_scalar_type(shares.shape[1] - 1)
    return {"taken_for": _hex(shares.argmax(axis=1), dtype), "confidence": _hex(percent, np.uint8)}


def from_hex(text: str, dtype: DTypeLike = np.uint8) -> NDArray[Any]:
    """The numbers in a text of `in_hex`. For classes, `dtype` is the type of the labels."""
    return np.frombuffer(bytes.fromhex(text), np.dtype(dtype).newbyteorder("<"))


def _hex(values: NDArray[Any], dtype: DTypeLike) -> str:
    return values.astype(np.dtype(dtype).newbyteorder("<")).tobytes().hex()
