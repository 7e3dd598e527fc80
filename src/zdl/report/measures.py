"""What an edit did to the numbers of a search: each measure of both sides of a review, and whether the
difference is more than noise."""

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
    """A number of both sides; `verdict` says, where that is known, whether the difference is only noise."""

    name: str
    old: str
    new: str
    difference: str
    verdict: str


def measures(old: Side, new: Side, data: bool, held_out: bool) -> Iterator[Measure]:
    """What the edit did to the results. `data` says whether both are scored alike on the same validation
    rows, `held_out` whether on the same held-out ones: if not, two scores are not compared."""
    yield from _held_out(old, new, held_out)
    yield _best_1(old, new, data)
    fewer = fewer_trials(old, new)
    if fewer and None not in (pair := [_expected_best(side, fewer) for side in (old, new)]):
        name = f"best of {count(fewer, 'trial')}, expected"
        yield _scores(name, pair, [None, None], data, score=new.score)
    sizes = dict.fromkeys(side.settings["report"]["best"] for side in (old, new))
    shown = " and ".join(f"{size:,}" for size in sizes) if max(sizes) > 1 else "trial"
    for name, key in (("mean", "mean_val_acc"), ("least", "min_val_acc")):
        pair = [side.metrics["top"][key] for side in (old, new)]
        measure = _scores(f"{name} of the best {shown}", pair, [None, None], data, score=new.score)
        yield measure._replace(verdict=measure.verdict or (OF_MORE if fewer else ""))
    counted = {"trials": "trials", "diverged": "diverged"}
    if old.score == new.score and new.score.is_share:
        counted[f"{new.score.title} above 0.5"] = "above_half"
    for name, key in counted.items():
        counts = [side.metrics["search"][key] for side in (old, new)]
        verdict = OF_MORE if fewer and key != "trials" else ""
        yield Measure(name, f"{counts[0]:,}", f"{counts[1]:,}", f"{counts[1] - counts[0]:+,}", verdict)


def _held_out(old: Side, new: Side, comparable: bool) -> Iterator[Measure]:
    confirmed = [side.metrics["confirmed"] for side in (old, new)]
    pair = [each["held_out"] for each in confirmed]
    spans = [
        None if each["held_out_low"] is None else (each["held_out_low"], each["held_out_high"])
        for each in confirmed
    ]
    networks = min(each["repeats"] or 0 for each in confirmed)
    name = f"held-out {new.score.title} of the confirmed best"
    measure = _scores(name, pair, spans, comparable, networks, score=new.score)
    yield measure._replace(verdict=OF_ONE) if networks == 1 and measure.verdict == NOISE else measure
    pair = [each["linear_held_out"] for each in confirmed]
    name = f"held-out {new.score.title} of a linear model"
    yield _scores(name, pair, [None, None], comparable, score=new.score)


def _best_1(old: Side, new: Side, comparable: bool) -> Measure:
    pair = [side.metrics["best"]["val_acc"] for side in (old, new)]
    spans = [
        wilson(round(score * side.images), side.images) if score is not None and side.score.counts else None
        for score, side in zip(pair, (old, new), strict=True)
    ]
    images = min(side.images for side in (old, new))
    name = f"validation {new.score.title} of Best-1"
    return _scores(name, pair, spans, comparable, images, score=new.score)


def fewer_trials(old: Side, new: Side) -> int:
    """How many trials the smaller of two searches has; 0 if both have the same number."""
    counts = [side.metrics["search"]["trials"] for side in (old, new)]
    return min(counts) if counts[0] != counts[1] else 0


def _expected_best(side: Side, count: int) -> float | None:
    """The best of `count` trials of a random search, on average; None of any other, and of one whose report
    leaves out some trials. A trial that diverged scores 0, or as the worst, if a score may be any number."""
    scores = side.scores.tolist()
    if side.settings["search"]["method"] != "random" or side.partial or not scores:
        return None
    worst = 0.0 if side.score.is_share else min(scores)
    return float(expected_maximum(scores + [worst] * (len(side.ranking) - len(scores)))[count - 1])


def _scores(
    name: str,
    pair: Sequence[float | None],
    spans: Sequence[Interval | None],
    comparable: bool,
    n: int = 0,
    *,
    score: Score,
) -> Measure:
    """`n` is how many values, of the fewer, each interval allows for: networks, or else rows."""
    before, after = pair
    texts = _score(before, spans[0], score), _score(after, spans[1], score)
    if before is None or after is None:
        return Measure(name, *texts, "–", "")
    if not comparable:
        return Measure(name, *texts, "–", "other data")
    verdict = ""
    if spans[0] and spans[1]:
        sign = sign_of_difference(after - before, *difference(before, spans[0], after, spans[1]), n)
        verdict = "more than noise" if sign else NOISE
        if (before, spans[0]) == (after, spans[1]):
            verdict = "the same"
    return Measure(name, *texts, _written(score, "apart")(after - before), verdict)


def _score(value: float | None, span: Interval | None, score: Score) -> str:
    if value is None:
        return "–"
    text = _written(score, "share")
    return text(value) + (f" ({text(span[0])} to {text(span[1])})" if span else "")


def _written(score: Score, what: str) -> Callable[..., str]:
    """How a score, or a difference of two, is written."""
    return FILTERS[what] if score.is_share else OF_ANY_NUMBER[what]


def difference(before: float, first: Interval, after: float, second: Interval) -> Interval:
    """The interval of the difference of two scores, from those of each: R. G. Newcombe's method 10
    ("Interval estimation for the difference between independent proportions", 1998). Where both are measured
    on the same rows it is too wide, so what it calls more than noise is more than noise."""
    apart = after - before
    low = math.sqrt((after - second[0]) ** 2 + (first[1] - before) ** 2)
    high = math.sqrt((second[1] - after) ** 2 + (before - first[0]) ** 2)
    return apart - low, apart + high
