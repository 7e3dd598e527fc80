"""Arithmetic on the range of a hyper-parameter. A place in a range is a number on the scale of its
distribution: 0 is the low end, 1 the high end."""

import math
from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from zdl.search.distributions import exact, shares

Spec = Mapping[str, Any]  # a hyper-parameter under search.space
Interval = tuple[float, float]

WIDEN = 0.25  # of a range: how far to move an end outwards


def place(spec: Spec, value: float) -> float:
    """The place of a value in its range, from 0 to 1."""
    if spec["distribution"] == "int_uniform":
        return float((value - spec["low"]) / (spec["high"] - spec["low"]))
    share = shares(spec["distribution"], (spec["low"], spec["high"]), value, value)[0]
    return min(max(share, 0.0), 1.0)


def wider_range(spec: Spec, end: str, bounds: Interval) -> Interval:
    """The range with one end, "low" or "high", moved outwards by a quarter, within the sampling `bounds`. A
    grid grows by whole steps, so that it keeps its values."""
    if "points" in spec:
        return _wider_grid_range(spec, end, bounds)
    low, high = (-WIDEN, 1.0) if end == "low" else (0.0, 1 + WIDEN)
    return range_between(spec, low, high, bounds)


def _wider_grid_range(spec: Spec, end: str, bounds: Interval) -> Interval:
    """The range of a grid, longer by a quarter of its steps (more if whole numbers need it); the present
    range if the bounds leave no room."""
    kind, steps, low, high = spec["distribution"], spec["points"] - 1, spec["low"], spec["high"]
    for extra_steps in range(math.ceil(WIDEN * steps), steps + 1):
        if kind == "int_uniform":
            if (high - low) * extra_steps % steps:
                continue
            distance = (high - low) * extra_steps // steps
            limits = (low - distance, high) if end == "low" else (low, high + distance)
        else:
            share = Decimal(-extra_steps if end == "low" else steps + extra_steps) / steps
            new_end = float(exact(kind, share, low, high))  # unrounded, to keep the values between
            limits = (new_end, high) if end == "low" else (low, new_end)
        if bounds[0] <= limits[0] and limits[1] <= bounds[1]:
            return limits
    return low, high


def grid_points(spec: Spec, low: float, high: float) -> int:
    """The number of values of a grid from `low` to `high`, at half its present steps if that gives no more
    values than it has now, otherwise at its present steps."""
    start, end = shares(spec["distribution"], (spec["low"], spec["high"]), low, high)
    if spec["distribution"] == "int_uniform":
        start, end = ((value - spec["low"]) / (spec["high"] - spec["low"]) for value in (low, high))
    steps = max(1, round((end - start) * (spec["points"] - 1)))
    fine_points = 2 * steps + 1
    room = high - low + 1 if spec["distribution"] == "int_uniform" else math.inf
    return int(fine_points if fine_points <= min(spec["points"], room) else steps + 1)


def is_wider(spec: Spec, low: float, high: float) -> bool:
    """Whether a range is wider than the present one by more than a hundredth of it."""
    start, end = shares(spec["distribution"], (spec["low"], spec["high"]), low, high)
    return end - start > 1.01


def range_between(spec: Spec, start: float, end: float, limits: Interval) -> Interval:
    """The range between two places. An end at 0 or 1 keeps all its digits; any other is rounded outwards, but
    stays within `limits`."""
    low, high = _rounded_outwards(spec, start, end)
    low = spec["low"] if start == 0 else max(low, limits[0])
    high = spec["high"] if end == 1 else min(high, limits[1])
    return (int(low), int(high)) if spec["distribution"] == "int_uniform" else (low, high)


def _rounded_outwards(spec: Spec, start: float, end: float) -> Interval:
    """The values at two places: the low one rounded down, the high one up, to 2 digits of their distance (on
    a logarithmic scale: to 1 digit, if they are a decade or more apart)."""
    kind, low, high = spec["distribution"], spec["low"], spec["high"]
    if kind == "log_uniform":
        decades = math.log10(high) - math.log10(low)
        # 9 digits first, so that last bits do not decide which round number is next
        ends = [Decimal(f"{10 ** (math.log10(low) + decades * share):.8e}") for share in (start, end)]
        span = decades * (end - start)
        digits = 1 if span >= 1 else 2 - math.floor(math.log10(span))
        units = [value.adjusted() - digits + 1 for value in ends]
    else:
        ends = [Decimal(f"{low + (high - low) * share:.9g}") for share in (start, end)]
        units = [0 if kind == "int_uniform" else math.floor(math.log10((high - low) * (end - start))) - 1] * 2
    rounding = zip(ends, units, (ROUND_FLOOR, ROUND_CEILING), strict=True)
    new_low, new_high = (
        float(value.scaleb(-unit).to_integral_value(mode).scaleb(unit)) for value, unit, mode in rounding
    )
    return new_low, new_high
