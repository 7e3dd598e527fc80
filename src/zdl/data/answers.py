"""What a predictor answers to rows: checked, and as a record holds it.

A mistake in it is one of whoever wrote the problem, and so an `Error` of one line.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from zdl import Error

# Of rows x (n, ...): the probabilities (n, classes), or in regression a number for each (n,)
Predictor = Callable[[NDArray[Any]], NDArray[Any]]
TINY = 1e-6


def probabilities(
    shares: NDArray[Any], rows: int, classes: int, subject: str = "predictor gives"
) -> NDArray[Any]:
    """Answers that are probabilities (rows, classes)."""
    shares = np.asarray(shares)
    requirement = f"probabilities of all classes, of shape {(rows, classes)}"
    if shares.shape != (rows, classes):
        raise Error(f"train: its {subject} the shape {shares.shape} (needed: {requirement})")
    if not (shares.min() >= -TINY and shares.max() <= 1 + TINY):  # nor NaN
        raise Error(f"train: its {subject} {shares.min():.3g} to {shares.max():.3g} (needed: {requirement})")
    return shares


def numbers(answers: NDArray[Any], rows: int, subject: str = "predictor gives") -> NDArray[Any]:
    """Answers that are finite numbers (rows,)."""
    answers = np.asarray(answers)
    requirement = f"numbers, of shape {(rows,)}"
    if answers.shape != (rows,) or answers.dtype.kind not in "iuf":
        raise Error(f"train: its {subject} {answers.dtype} of shape {answers.shape} (needed: {requirement})")
    if not np.isfinite(answers).all():
        raise Error(f"train: its {subject} NaN or infinity (needed: {requirement}, or diverge)")
    return answers


def in_hex(shares: NDArray[Any]) -> dict[str, str]:
    """The answers with the greatest probability, and that probability in whole percent, in hexadecimal: two
    digits a number, or four if there are more than 256 classes. (The last bits of a product differ between
    processors.)"""
    percent = np.rint(100 * shares.max(axis=1).clip(0, 1))
    dtype = np.min_scalar_type(shares.shape[1] - 1)
    return {"taken_for": _hex(shares.argmax(axis=1), dtype), "confidence": _hex(percent, np.uint8)}


def from_hex(text: str, dtype: DTypeLike = np.uint8) -> NDArray[Any]:
    """The numbers in one of the texts of `in_hex`; those of classes have the type of the labels."""
    return np.frombuffer(bytes.fromhex(text), np.dtype(dtype).newbyteorder("<"))


def _hex(values: NDArray[Any], dtype: DTypeLike) -> str:
    return values.astype(np.dtype(dtype).newbyteorder("<")).tobytes().hex()
