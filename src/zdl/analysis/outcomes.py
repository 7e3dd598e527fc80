"""What the records of replicates and of linear models hold, as numbers and arrays, and their means.

`replicates` are those of each of the best trials, in the order of ranks (`of_trials`); `t` are the labels
(n,) of the held-out rows. Here and in the modules that use it, numbers are rounded to 6 decimals: the same
on every machine.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean, stdev
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zdl.analysis.statistics import crossed_mean
from zdl.artifacts.encoding import decode_json
from zdl.artifacts.schemas import unpacked
from zdl.search.replicates import answers

Outcome = Mapping[str, Any]
Replicates = Sequence[Mapping[str, Any]]
Labels = NDArray[np.unsignedinteger[Any]]
Hits = NDArray[np.bool_]


def of_trials(files: Iterable[bytes], trials: Iterable[Mapping[str, Any]]) -> Replicates:
    """From the files of replicates, the replicates of each trial, which is called by its place among all
    `trials`; its files have its number."""
    places = {row["trial"]: place for place, row in enumerate(trials)}
    records: dict[int, list[Any]] = {}
    for contents in map(decode_json, files):
        if contents["trial"] is not None:
            records.setdefault(places[contents["trial"]], []).append(contents["replicate"])
    return [{"trial": trial, "replicates": each} for trial, each in records.items()]


def outcomes(replicates: Replicates, trial: int | None) -> list[Outcome]:
    """What became of each replicate of a trial; none without a trial."""
    return [
        record["outcome"]
        for contents in replicates
        if trial is not None and contents["trial"] == trial
        for record in contents["replicates"]
    ]


def taken_for(outcome: Outcome, t: Labels) -> Labels:
    """What a network takes each held-out row for, (n,)."""
    return answers(outcome["held_out"]["taken_for"], t.dtype)


def recognised(outcome: Outcome, t: Labels) -> Hits:
    """Which held-out rows a network answers correctly, (n,)."""
    hits: Hits = taken_for(outcome, t) == t
    return hits


def recognised_by_linear(fit: Outcome) -> Hits:
    """Which held-out rows a linear model answers correctly, (n,)."""
    return unpacked(fit["held_out_hits"], fit["held_out_size"])


def val_acc(outcome: Outcome) -> float:
    """The score that a trial is ranked by."""
    score: float = outcome["curve"]["val_correct"][-1] / outcome["curve"]["val_size"]
    return score


def epochs(outcome: Outcome) -> int:
    """The number of evaluations, one an epoch."""
    return len(outcome["curve"]["val_correct"])


def split_ratio(outcome: Outcome) -> float:
    """Validation rows for each training row."""
    return float(outcome["curve"]["val_size"] / outcome["curve"]["train_size"])


def mean_and_deviation(scores: Sequence[float]) -> tuple[float, float]:
    """Mean and standard deviation (n - 1), NaN where there is none."""
    mean = round(fmean(scores), 6) if scores else math.nan
    return mean, round(stdev(scores), 6) if len(scores) > 1 else math.nan


def mean_share(hits: Hits) -> tuple[float, float, float]:
    """The mean of hits (networks, rows) and its 95 % interval, NaN without any."""
    if not hits.size:
        return math.nan, math.nan, math.nan
    mean, low, high = crossed_mean(hits)
    return round(mean, 6), round(low, 6), round(high, 6)


def difference(first: float, second: float) -> float:
    """The first less the second; zero has no sign."""
    return round(first - second, 6) + 0.0


def with_interval(name: str, value: float, ends: tuple[float, float]) -> dict[str, float]:
    """A difference and its interval as columns: name, name_low, name_high."""
    columns = zip((name, f"{name}_low", f"{name}_high"), (value, *ends), strict=True)
    return {column: round(number, 6) + 0.0 for column, number in columns}  # zero has no sign
