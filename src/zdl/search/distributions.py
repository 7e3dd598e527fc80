"""Distributions of hyper-parameters: the value at a share of a range, and the share of a value.

A share in [0, 1] is a position in a range, on the distribution's own scale: the logarithm for log_uniform,
the value for uniform, whole numbers for int_uniform. Powers of ten are computed in decimal, and values are
rounded to 12 significant digits, so they are the same on every machine. (Powers from NumPy and libm differ
for a few values in a million.)
"""

import decimal
import math
import zlib
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np

from zdl.artifacts.encoding import digest

DIGITS = 12  # significant digits of a value: every way to compute it agrees on this many
EXACT = decimal.Context(prec=28)
NEAR = 1e-9  # more than the error of `shares`: a quick comparison widens its limits by this


def value(distribution: str, u: float | Decimal, low: float, high: float) -> float:
    """The value at share `u`, below 1, of a range; an int for int_uniform, else a float."""
    if distribution == "int_uniform":
        return int(low) + int(u * (int(high) - int(low) + 1))
    return _rounded(exact(distribution, Decimal(u), low, high))


def exact(distribution: str, u: Decimal, low: float, high: float) -> Decimal:
    """The unrounded value at share `u` of a uniform or log_uniform range; `u` may be outside [0, 1]."""
    start, end = Decimal(repr(low)), Decimal(repr(high))
    if distribution == "uniform":
        return EXACT.add(start, EXACT.multiply(EXACT.subtract(end, start), u))
    start, end = start.log10(EXACT), end.log10(EXACT)
    return EXACT.power(10, EXACT.add(start, EXACT.multiply(EXACT.subtract(end, start), u)))


def _rounded(exact: Decimal) -> float:
    return float(f"{exact:.{DIGITS - 1}e}")


def shares(distribution: str, bounds: tuple[float, float], low: float, high: float) -> tuple[float, float]:
    """The positions of `low` and `high` in the sampling bounds, as shares with about 15 correct digits."""
    if distribution == "log_uniform":
        start, end = (math.log10(bound) for bound in bounds)
        low, high = math.log10(low), math.log10(high)
    else:
        start, end = bounds
        end += distribution == "int_uniform"
        high += distribution == "int_uniform"
    return (low - start) / (end - start), (high - start) / (end - start)


def holds(spec: Mapping[str, Any], value: Any) -> bool:
    """Whether a hyper-parameter that is searched as `spec` says can have this value."""
    if "options" in spec:
        return any(value == option and type(value) is type(option) for option in spec["options"])
    kind = int if spec["distribution"] == "int_uniform" else float
    return type(value) is kind and spec["low"] <= value <= spec["high"]


def stream(*key: str | int) -> np.random.PCG64:
    """A stream of random bits that belongs to this key alone.

    Use only its raw bits: NumPy guarantees them across versions, but not what Generator derives from them.
    """
    return np.random.PCG64(np.random.SeedSequence(int(digest(key), 16)))


def distinct_key(key: list[int], word: str, *seeds: int) -> list[int]:
    """A key for a `SeedSequence` whose stream differs from those of `seeds`. `key` has two numbers or more.

    NumPy reads a key as words of 32 bits and ignores zeros at its end: [7, 0] is 7, and [7, 1] is 7 + 2**32.
    So a key that begins with the words of one of `seeds` gets the checksum of `word` as another number. Most
    searches need no such number.
    """
    words = _words(*key)
    collides = any(words[: len(other)] == other for other in map(_words, seeds))
    return [*key, zlib.crc32(word.encode())] if collides else key


def _words(*numbers: int) -> list[int]:
    return [word for number in numbers for word in divmod(number, 2**32)[::-1][: 1 + (number >= 2**32)]]
