"""The records of replicates and of linear models as numbers and arrays, and their means.

`replicates` are those of each of the best trials, in the order of ranks (`replicates_by_trial`), and `t` (n,)
are the labels of the held-out rows. Numbers are rounded to 6 decimals here and in the modules that use these
functions, so that they are the same on every machine.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean, stdev
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zdl.analysis.scored import BootstrapScores, HitScores, Interval, NetworkScores
from zdl.artifacts.encoding import decode_json
from zdl.artifacts.schemas import unpacked
from zdl.data.answers import from_hex
from zdl.data.scores import Score
from zdl.search.curves import last_score

Outcome = Mapping[str, Any]
Replicates = Mapping[int, Sequence[Outcome]]  # by trial
Labels = NDArray[Any]  # places of classes, or in regression numbers


def replicates_by_trial(files: Iterable[bytes], trials: Iterable[Mapping[str, Any]]) -> Replicates:
    """The outcomes of each trial's replicates, from their files. The keys are places of trials among all
    `trials`; the files hold numbers of trials."""
    places = {row["trial"]: place for place, row in enumerate(trials)}
    replicates: dict[int, list[Outcome]] = {}
    for contents in map(decode_json, files):
        if contents["trial"] is not None:
            replicates.setdefault(places[contents["trial"]], []).append(contents["replicate"]["outcome"])
    return replicates


def outcomes(replicates: Replicates, trial: int | None) -> Sequence[Outcome]:
    """The outcome of each replicate of a trial; none without a trial."""
    return [] if trial is None else replicates.get(trial, [])


def held_out_answers(outcome: Outcome, t: Labels) -> Labels:
    """The class (n,) that a network gives each held-out row."""
    return from_hex(outcome["held_out"]["taken_for"], t.dtype)


def score_of(outcomes: Sequence[Outcome]) -> Score:
    """The score of these outcomes."""
    return Score.of(outcomes[0]["curve"]) if outcomes else Score()


def validation_scores(outcomes: Sequence[Outcome]) -> NetworkScores:
    """The scores on the validation rows, which must be the same for all these trials."""
    curves, score = [outcome["curve"] for outcome in outcomes], score_of(outcomes)
    if score.counts:
        return HitScores(np.array([unpacked(curve["val_hits"], curve["val_size"]) for curve in curves]))
    samples = [curve["val_redrawn"] for curve in curves]
    return BootstrapScores.of(score, [val_acc(outcome) for outcome in outcomes], samples)


def interval(trials: Sequence[Mapping[str, Any]], trial: int) -> Interval:
    """The 95 % interval of the score of the trial at that place of a search."""
    return validation_scores([trials[trial]["outcome"]]).intervals()[0]


def held_out_scores(outcomes: Sequence[Outcome], t: Labels) -> NetworkScores:
    """The scores on the held-out rows of replicates that finished."""
    score, records = score_of(outcomes), [outcome["held_out"] for outcome in outcomes]
    if score.counts:
        return HitScores(np.array([held_out_answers(outcome, t) == t for outcome in outcomes]))
    samples = [record["redrawn"] for record in records]
    return BootstrapScores.of(score, [record["score"] for record in records], samples)


def linear_scores(fits: Sequence[Outcome]) -> NetworkScores:
    """The scores on the held-out rows of linear models."""
    if Score.of(fits[0]).counts:
        return HitScores(np.array([unpacked(fit["held_out_hits"], fit["held_out_size"]) for fit in fits]))
    samples = [fit["held_out_redrawn"] for fit in fits]
    return BootstrapScores.of(Score.of(fits[0]), [fit["held_out"] for fit in fits], samples)


def val_acc(outcome: Outcome) -> float:
    """The score that a trial is ranked by; NaN before the first evaluation."""
    score = last_score(outcome["curve"])
    return math.nan if score is None else score


def split_ratio(outcome: Outcome) -> float:
    """Validation rows for each training row."""
    return float(outcome["curve"]["val_size"] / outcome["curve"]["train_size"])


def mean_and_deviation(scores: Sequence[float]) -> tuple[float, float]:
    """Mean and standard deviation (n - 1), NaN where there is none."""
    mean = round(fmean(scores), 6) if scores else math.nan
    return mean, round(stdev(scores), 6) if len(scores) > 1 else math.nan


def mean_score(scores: NetworkScores) -> tuple[float, float, float]:
    """The mean over networks and its 95 % interval, NaN without any."""
    mean, low, high = scores.mean()
    return round(mean, 6), round(low, 6), round(high, 6)


def difference(first: float, second: float) -> float:
    """The first less the second; zero has no sign."""
    return round(first - second, 6) + 0.0


def with_interval(name: str, value: float, ends: tuple[float, float]) -> dict[str, float]:
    """A difference and its interval as columns: name, name_low, name_high."""
    columns = zip((name, f"{name}_low", f"{name}_high"), (value, *ends), strict=True)
    return {column: round(number, 6) + 0.0 for column, number in columns}  # zero has no sign
