"""What a hyper-parameter can be: its distributions, shares of its sampling bounds, and exact values.

A share u in [0, 1] of a box says where in it a value lies, on the distribution's own scale: in the logarithm
for log_uniform, in the value for uniform, in whole numbers for int_uniform. Powers of ten are taken in
decimal and values rounded to 12 significant digits, so they are the same on every machine (those of NumPy
and libm differ in a few values in a million).
"""

import decimal
import math
import zlib
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np

from zdl.artifacts.encoding import digest

DIGITS = 12  # significant digits of a value: fewer than any two ways of computing it differ by
EXACT = decimal.Context(prec=28)
NEAR = 1e-9  # how far `shares` may be off, and more: who takes a quick look looks so much further


def value(distribution: str, u: float | Decimal, low: float, high: float) -> float:
    """The value at share `u`, below 1, of the box from `low` to `high`; an int of an int_uniform."""
    if distribution == "int_uniform":
        return int(low) + int(u * (int(high) - int(low) + 1))
    return _rounded(exact(distribution, Decimal(u), low, high))


def exact(distribution: str, u: Decimal, low: float, high: float) -> Decimal:
    """The value at share `u`, of any size, of the box of a uniform or log_uniform; not yet rounded."""
    start, end = Decimal(repr(low)), Decimal(repr(high))
    if distribution == "uniform":
        return EXACT.add(start, EXACT.multiply(EXACT.subtract(end, start), u))
    start, end = start.log10(EXACT), end.log10(EXACT)
    return EXACT.power(10, EXACT.add(start, EXACT.multiply(EXACT.subtract(end, start), u)))


def _rounded(exact: Decimal) -> float:
    return float(f"{exact:.{DIGITS - 1}e}")


def shares(distribution: str, bounds: tuple[float, float], low: float, high: float) -> tuple[float, float]:
    """Where `low` and `high` lie in the sampling bounds, as shares of them, to about 15 digits."""
    if distribution == "log_uniform":
        start, end = (math.log10(bound) for bound in bounds)
        low, high = math.log10(low), math.log10(high)
    else:
        start, end = bounds
        end += distribution == "int_uniform"
        high += distribution == "int_uniform"
    return (low - start) / (end - start), (high - start) / (end - start)


def holds(spec: Mapping[str, Any], value: Any) -> bool:
    """Whether a hyper-parameter that is searched as in `spec` can have this value."""
    if "options" in spec:
        return any(value == option and type(value) is type(option) for option in spec["options"])
    kind = int if spec["distribution"] == "int_uniform" else float
    return type(value) is kind and spec["low"] <= value <= spec["high"]


def stream(*key: str | int) -> np.random.PCG64:
    """The random bits that belong to a key, and to nothing else. NumPy promises raw bits across its versions
    (what Generator makes of them, it does not)."""
    return np.random.PCG64(np.random.SeedSequence(int(digest(key), 16)))


def distinct_key(key: list[int], word: str, *seeds: int) -> list[int]:
    """A key of two numbers or more for a `SeedSequence` whose stream none of `seeds` has.

    NumPy reads a key as words of 32 bits and ignores zeros at its end: [7, 0] is 7, and [7, 1] is 7 + 2**32.
    So a key that begins like one of `seeds` gets the checksum of `word` as another number. The keys of most
    searches need none.
    """
    words = _words(*key)
    collides = any(words[: len(other)] == other for other in map(_words, seeds))
    return [*key, zlib.crc32(word.encode())] if collides else key


def _words(*numbers: int) -> list[int]:
    return [word for number in numbers for word in divmod(number, 2**32)[::-1][: 1 + (number >= 2**32)]]
