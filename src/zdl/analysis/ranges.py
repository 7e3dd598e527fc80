"""Arithmetic on the range of a hyper-parameter. A place in it is on the scale of its distribution: 0 is the
low end, 1 the high end."""

import math
from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from zdl.config.hyperparameters import SAMPLING_BOUNDS
from zdl.search.distributions import shares

Spec = Mapping[str, Any]  # a hyper-parameter under search.space
Interval = tuple[float, float]

WIDEN = 0.25  # of a range: how far to move an end outwards


def place(spec: Spec, value: float) -> float:
    """Where in its range a value lies: 0 and 1 are the very ends."""
    if spec["distribution"] == "int_uniform":
        return float((value - spec["low"]) / (spec["high"] - spec["low"]))
    share = shares(spec["distribution"], (spec["low"], spec["high"]), value, value)[0]
    return min(max(share, 0.0), 1.0)


def wider(name: str, spec: Spec, end: str) -> Interval:
    """The range with one end, "low" or "high", a quarter further out, inside the sampling bounds."""
    low, high = (-WIDEN, 1.0) if end == "low" else (0.0, 1 + WIDEN)
    return between(spec, low, high, SAMPLING_BOUNDS[name][spec["distribution"]])


def is_wider(spec: Spec, low: float, high: float) -> bool:
    """Whether a range is wider than the present one by more than a hundredth of it."""
    start, end = shares(spec["distribution"], (spec["low"], spec["high"]), low, high)
    return end - start > 1.01


def between(spec: Spec, start: float, end: float, within: Interval) -> Interval:
    """The range between two places. An end at 0 or 1 stays as it is, to the last digit; another becomes a
    round number, there or a little further out, but not outside of `within`."""
    low, high = _rounded_outwards(spec, start, end)
    low = spec["low"] if start == 0 else max(low, within[0])
    high = spec["high"] if end == 1 else min(high, within[1])
    return (int(low), int(high)) if spec["distribution"] == "int_uniform" else (low, high)


def _rounded_outwards(spec: Spec, start: float, end: float) -> Interval:
    """The values at two places: the low one rounded down, the high one up, to 2 digits of their distance (on
    a logarithmic scale: to 1 digit, if they are a decade or more apart)."""
    kind, low, high = spec["distribution"], spec["low"], spec["high"]
    if kind == "log_uniform":
        decades = math.log10(high) - math.log10(low)
        # 9 digits first, so that last bits do not decide which round number is next
        ends = [Decimal(f"{10 ** (math.log10(low) + decades * at):.8e}") for at in (start, end)]
        span = decades * (end - start)
        digits = 1 if span >= 1 else 2 - math.floor(math.log10(span))
        units = [each.adjusted() - digits + 1 for each in ends]
    else:
        ends = [Decimal(f"{low + (high - low) * at:.9g}") for at in (start, end)]
        units = [0 if kind == "int_uniform" else math.floor(math.log10((high - low) * (end - start))) - 1] * 2
    rounding = zip(ends, units, (ROUND_FLOOR, ROUND_CEILING), strict=True)
    new_low, new_high = (
        float(each.scaleb(-unit).to_integral_value(way).scaleb(unit)) for each, unit, way in rounding
    )
    return new_low, new_high
