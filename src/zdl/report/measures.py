"""The measures of a review: the results of both sides, and whether their difference is more than noise."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from zdl.analysis.statistics import expected_maximum, sign_of_difference, wilson
from zdl.data.scores import Score
from zdl.report.formatting import FILTERS, OF_ANY_NUMBER, count
from zdl.report.sides import Side

Interval = tuple[float, float]
OF_MORE = "other number of trials"
OF_ONE = "one training says little"
NOISE = "inside the noise"


class Measure(NamedTuple):
    """A result of both sides, as text; `verdict` says whether the difference is noise, if that is known."""

    name: str
    old: str
    new: str
    difference: str
    verdict: str


def measures(old: Side, new: Side, data: bool, held_out: bool) -> Iterator[Measure]:
    """The measures. `data` says whether both sides have the same score on the same validation rows, and
    `held_out` the same for held-out rows; if not, scores are not compared."""
    yield from _held_out(old, new, held_out)
    yield _best_1(old, new, data)
    smaller_size = fewer_trials(old, new)
    if smaller_size and None not in (pair := [_expected_best(side, smaller_size) for side in (old, new)]):
        name = f"best of {count(smaller_size, 'trial')}, expected"
        yield _scores(name, pair, [None, None], data, score=new.score)
    sizes = dict.fromkeys(side.settings["report"]["best"] for side in (old, new))
    size_text = " and ".join(f"{size:,}" for size in sizes) if max(sizes) > 1 else "trial"
    for name, key in (("mean", "mean_val_acc"), ("least", "min_val_acc")):
        pair = [side.metrics["top"][key] for side in (old, new)]
        measure = _scores(f"{name} of the best {size_text}", pair, [None, None], data, score=new.score)
        yield measure._replace(verdict=measure.verdict or (OF_MORE if smaller_size else ""))
    count_keys = {"trials": "trials", "diverged": "diverged"}
    if old.score == new.score and new.score.is_share:
        count_keys[f"{new.score.title} above 0.5"] = "above_half"
    for name, key in count_keys.items():
        counts = [side.metrics["search"][key] for side in (old, new)]
        verdict = OF_MORE if smaller_size and key != "trials" else ""
        yield Measure(name, f"{counts[0]:,}", f"{counts[1]:,}", f"{counts[1] - counts[0]:+,}", verdict)


def _held_out(old: Side, new: Side, comparable: bool) -> Iterator[Measure]:
    confirmed = [side.metrics["confirmed"] for side in (old, new)]
    pair = [row["held_out"] for row in confirmed]
    intervals = [
        None if row["held_out_low"] is None else (row["held_out_low"], row["held_out_high"])
        for row in confirmed
    ]
    networks = min(row["repeats"] or 0 for row in confirmed)
    name = f"held-out {new.score.title} of the confirmed best"
    measure = _scores(name, pair, intervals, comparable, networks, score=new.score)
    yield measure._replace(verdict=OF_ONE) if networks == 1 and measure.verdict == NOISE else measure
    pair = [row["linear_held_out"] for row in confirmed]
    name = f"held-out {new.score.title} of a linear model"
    yield _scores(name, pair, [None, None], comparable, score=new.score)


def _best_1(old: Side, new: Side, comparable: bool) -> Measure:
    pair = [side.metrics["best"]["val_acc"] for side in (old, new)]
    intervals = [
        wilson(round(score * side.images), side.images) if score is not None and side.score.counts else None
        for score, side in zip(pair, (old, new), strict=True)
    ]
    images = min(side.images for side in (old, new))
    name = f"validation {new.score.title} of Best-1"
    return _scores(name, pair, intervals, comparable, images, score=new.score)


def fewer_trials(old: Side, new: Side) -> int:
    """The number of trials of the smaller search; 0 if both have the same number."""
    counts = [side.metrics["search"]["trials"] for side in (old, new)]
    return min(counts) if counts[0] != counts[1] else 0


def _expected_best(side: Side, count: int) -> float | None:
    """The expected best of `count` trials of a random search; None for other methods, and if not all trials
    are published. A trial that diverged scores 0, or as the worst trial if a score may be any number."""
    scores = side.scores.tolist()
    if side.settings["search"]["method"] != "random" or side.partial or not scores:
        return None
    worst = 0.0 if side.score.is_share else min(scores)
    return float(expected_maximum(scores + [worst] * (len(side.ranking) - len(scores)))[count - 1])


def _scores(
    name: str,
    pair: Sequence[float | None],
    intervals: Sequence[Interval | None],
    comparable: bool,
    n: int = 0,
    *,
    score: Score,
) -> Measure:
    """A measure of a score. `n` is the number of networks or rows behind each interval (the lesser of
    both)."""
    old, new = pair
    texts = _score(old, intervals[0], score), _score(new, intervals[1], score)
    if old is None or new is None:
        return Measure(name, *texts, "–", "")
    if not comparable:
        return Measure(name, *texts, "–", "other data")
    verdict = ""
    if intervals[0] and intervals[1]:
        sign = sign_of_difference(new - old, *difference(old, intervals[0], new, intervals[1]), n)
        verdict = "more than noise" if sign else NOISE
        if (old, intervals[0]) == (new, intervals[1]):
            verdict = "the same"
    return Measure(name, *texts, _formatter(score, "apart")(new - old), verdict)


def _score(value: float | None, interval: Interval | None, score: Score) -> str:
    if value is None:
        return "–"
    text = _formatter(score, "share")
    return text(value) + (f" ({text(interval[0])} to {text(interval[1])})" if interval else "")


def _formatter(score: Score, name: str) -> Callable[..., str]:
    """The function that formats a score ("share") or a difference of two ("apart")."""
    return FILTERS[name] if score.is_share else OF_ANY_NUMBER[name]


def difference(old: float, old_interval: Interval, new: float, new_interval: Interval) -> Interval:
    """The interval of the difference of two scores, from those of each: R. G. Newcombe's method 10
    ("Interval estimation for the difference between independent proportions", 1998). For scores on the same
    rows it is too wide, so a difference outside of it is certainly more than noise."""
    change = new - old
    low = math.sqrt((new - new_interval[0]) ** 2 + (old_interval[1] - old) ** 2)
    high = math.sqrt((new_interval[1] - new) ** 2 + (old - old_interval[0]) ** 2)
    return change - low, change + high
