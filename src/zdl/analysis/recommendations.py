"""The advice: where in the space the best trials lie, which hyper-parameters matter, and which ranges to
search next. A table, which the page and the figures show.

Scores are those that rank (`zdl.analysis.ranking`). A trial that diverged counts as worse than all that
finished. p-values are rounded to 4 significant digits and all else to 6 decimals or fewer: the same on every
machine.
"""

import math
from collections.abc import Mapping, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zdl.analysis import statistics
from zdl.analysis.ranking import top
from zdl.config.settings import ranges
from zdl.search import plan
from zdl.search.distributions import SAMPLING_BOUNDS, shares
from zdl.search.samplers import sampler

if TYPE_CHECKING:
    Column = pd.Series[Any]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Row = dict[str, Any]

CROWD = 10  # one in so many trials are the best that are asked where they lie
OUTER = 0.1  # of a range: where the best trials crowd if better ones lie beyond its end
FIFTHS = 5
FEWEST = 10  # trials for a test: of fewer, the distributions that p-values come from say nothing
DIVERGED = -1.0  # a score below all others
WIDEN = 0.25  # of a range, on its own scale: how far to move an end outwards
MARGIN = 0.05  # of a range, left on either side of the best trials

SPACE = (
    *("name", "distribution", "low", "high", "best", "best_low", "best_high", "at_low", "at_high"),
    *("all_low", "all_high", "p_low", "p_high", "advice", "falls", "wider_low", "wider_high"),
    *("rho", "p_rho", "p_groups", "p_effect", "effect", "importance", "next_low", "next_high"),
)
TEXT = ("name", "distribution", "advice", "falls")


def space(frame: pd.DataFrame, settings: Mapping[str, Any], contenders: Sequence[int]) -> pd.DataFrame:
    """A row for each searched hyper-parameter: where the best trials lie, if it matters, what to do next.

    name, distribution, low, high   as in params.yaml; low and high are blank for a choice, as is all below
                                    that has to do with ends or order
    best                  how many trials "the best" are here: a tenth of all, at least 5, at most a quarter,
                          less those in which it plays no part. Their ends are
    best_low, best_high
    at_low, at_high       the share of the best trials in the outer tenth of either end, on the distribution's
                          own scale; and
    all_low, all_high     that of all trials
    p_low, p_high         of so many by chance. Not binomial but hypergeometric, out of all trials as they
                          lie, so that it holds for whole numbers, a grid, or a search that crowds there too;
                          blank where even all of them there would not be sure.
    falls                 "down" or "up", an end where Holm's p over all ends is below 0.05, and yet scores
                          fall from the best trials there to the very end (`_falling`)
    advice                likewise, the end to widen, if they do not fall; or ""
    wider_low, wider_high   the range to write then, a quarter wider on its own scale; blank without advice
    rho, p_rho            Spearman's rank correlation with the score
    p_groups              Kruskal and Wallis: over the options of a choice, over fifths of a range
    importance            0 to 1: the share of the variance of scores' ranks that options or fifths explain
    p_effect, effect      of both: the lesser, twice, as there are two, and Holm over the hyper-parameters;
                          and whether that is below 0.05
    next_low, next_high   the range for a closer look: around the `contenders` (and never fewer than the best
                          five) if there is an effect, moved beyond an end where that is advised, today's
                          otherwise. A choice is left alone.

    A trial in which a hyper-parameter plays no part is left out for it; with fewer than 10 others there are
    no tests. The points of a Bayesian search follow from the scores, so that its p-values are too small in
    principle.

    Importance is epsilon squared (T. L. Kelley, "An unbiased correlation ratio measure", 1935; of ranks): of
    one hyper-parameter alone, with nothing fitted and nothing drawn. The permutation importance of a random
    forest was tried: it gives a tenth to a weight decay without effect (p 0.7), since a forest fits noise,
    and moves with its seed. A Gaussian process is too slow for 10,000 trials.
    """
    searched = settings["search"]["space"]
    scores = frame["val_acc"].where(frame["status"] != "diverged").fillna(DIVERGED).to_numpy(dtype=np.float64)
    rank = np.arange(len(frame))  # the best come first
    best = rank < len(top(frame, crowd(len(frame))))
    close = frame["trial"].isin(contenders).to_numpy() | (rank < len(top(frame, FEWEST // 2)))
    rows = []
    for name, spec in searched.items():
        values = frame[name] if name in frame else pd.Series([None] * len(frame), dtype="float64")
        there = values.notna().to_numpy()
        rows.append(_row(name, spec, values[there], scores[there], best=best[there], close=close[there]))
    _advise(rows, searched)
    _judge(rows)
    for row in rows:
        _next(row, searched[row["name"]], settings)
    blank = {name: "" if name in TEXT else math.nan for name in SPACE} | {"effect": False, "best": 0}
    kinds: dict[str, Any] = {name: "str" if name in TEXT else "float64" for name in SPACE}
    kinds |= {"effect": "bool", "best": "int64"}
    told = [blank | {name: row[name] for name in row if name in SPACE} for row in rows]
    return pd.DataFrame(told).astype(kinds)


def crowd(trials: int) -> int:
    """How many of so many trials are asked where they lie: enough for a test, few enough to be the best."""
    return min(max(FEWEST // 2, trials // CROWD), max(1, trials // 4))


def _row(
    name: str, spec: Mapping[str, Any], values: "Column", scores: Array, *, best: Mask, close: Mask
) -> Row:
    row: Row = {"name": name, "distribution": spec["distribution"], "best": int(best.sum())}
    if "options" in spec:
        groups: NDArray[np.int64] = np.unique(values.astype("str"), return_inverse=True)[1]
    else:
        places = np.array([place(spec, each) for each in values])
        groups = np.minimum(places * FIFTHS + 1e-9, FIFTHS - 1).astype(np.int64)
        row |= {"low": spec["low"], "high": spec["high"], "places": places[close]}
        row |= _ends(values.to_numpy(dtype=np.float64), places, scores, best) | _correlation(places, scores)
    return row | _grouped(groups, scores)


def place(spec: Mapping[str, Any], known: float) -> float:
    """Where in its range a value lies, from 0 to 1 at the very ends, on the distribution's own scale."""
    if spec["distribution"] == "int_uniform":
        return float((known - spec["low"]) / (spec["high"] - spec["low"]))
    share = shares(spec["distribution"], (spec["low"], spec["high"]), known, known)[0]
    return min(max(share, 0.0), 1.0)


def _ends(values: Array, places: Array, scores: Array, best: Mask) -> Row:
    """Where the best lie, how many of them in the outer tenths, and whether scores fall to the ends."""
    from scipy.stats import hypergeom

    if not best.any():
        return {}
    row: Row = {"best_low": values[best].min(), "best_high": values[best].max(), "falling": set()}
    trials, size = len(values), int(best.sum())
    for end, towards in (("low", 1 - places), ("high", places)):
        outer = towards >= 1 - OUTER - 1e-9
        there, seen = int(outer.sum()), int((outer & best).sum())
        row |= {f"at_{end}": round(seen / size, 6), f"all_{end}": round(there / trials, 6)}
        if hypergeom.sf(min(there, size) - 1, trials, there, size) < statistics.ALPHA:
            row[f"p_{end}"] = statistics.digits(hypergeom.sf(seen - 1, trials, there, size))
        if _falling(towards, scores, best):
            row["falling"] |= {end}
    return row


def _falling(towards: Array, scores: Array, best: Mask) -> bool:
    """Whether scores fall to an end at which the best crowd: a trial beyond all of them diverged; or from the
    median place of those in the outer fifth on, there are at least 5 trials, and Spearman's correlation is
    negative, with p below 0.05."""
    from scipy.stats import spearmanr

    near = best & (towards >= 1 - 2 * OUTER - 1e-9)
    if not near.any():
        return False
    if (scores[towards > towards[near].max()] == DIVERGED).any():
        return True
    beyond = towards >= np.median(towards[near]) - 1e-9
    place, score = np.round(towards[beyond], 9), scores[beyond]
    if len(place) < FEWEST // 2 or len(set(place)) < 2 or len(set(score)) < 2:
        return False
    return bool(spearmanr(place, score, alternative="less").pvalue < statistics.ALPHA)


def _correlation(places: Array, scores: Array) -> Row:
    from scipy.stats import spearmanr

    if len(scores) < FEWEST or len(set(scores)) < 2 or len(set(places)) < 2:
        return {}
    rho, p = spearmanr(np.round(places, 9), scores)
    return {"rho": round(float(rho), 4), "p_rho": statistics.digits(p)}


def _grouped(groups: NDArray[np.int64], scores: Array) -> Row:
    """The test of Kruskal and Wallis, and the share of the ranks' variance that groups explain, corrected for
    what chance explains."""
    from scipy.stats import kruskal

    kinds = np.unique(groups)
    if len(scores) < FEWEST or len(set(scores)) < 2 or not 1 < len(kinds) < len(scores):
        return {}
    h, p = kruskal(*(scores[groups == kind] for kind in kinds))
    explained = (float(h) - len(kinds) + 1) / (len(scores) - len(kinds))
    return {"p_groups": statistics.digits(p), "importance": round(min(max(explained, 0.0), 1.0), 2)}


def _advise(rows: Sequence[Row], searched: Mapping[str, Any]) -> None:
    """Which ends to widen: at most one of a range, none to which scores fall, and none that its universe ends
    at."""
    ends = [(row, end) for row in rows for end in ("low", "high") if f"p_{end}" in row]
    adjusted = statistics.holm([row[f"p_{end}"] for row, end in ends])
    for p, (row, end) in sorted(zip(adjusted.tolist(), ends, strict=True), key=lambda each: each[0]):
        low, high = wider(row["name"], searched[row["name"]], end)
        way = "down" if end == "low" else "up"
        if not p < statistics.ALPHA or "advice" in row:
            continue
        if end in row["falling"]:
            row["falls"] = way
        elif _gains(searched[row["name"]], low, high):
            row |= {"advice": way, "wider_low": low, "wider_high": high}


def _gains(spec: Mapping[str, Any], low: float, high: float) -> bool:
    """Whether a range is wider than today's by more than a hundredth of it."""
    start, end = shares(spec["distribution"], (spec["low"], spec["high"]), low, high)
    return end - start > 1.01


def wider(name: str, spec: Mapping[str, Any], end: str) -> tuple[float, float]:
    """The range with one end, "low" or "high", a quarter further out, inside the universe."""
    low, high = (-WIDEN, 1.0) if end == "low" else (0.0, 1 + WIDEN)
    return _range(spec, low, high, SAMPLING_BOUNDS[name][spec["distribution"]])


def _range(
    spec: Mapping[str, Any], start: float, end: float, within: tuple[float, float]
) -> tuple[float, float]:
    """The ends at two places on the range's own scale, of which 0 and 1 are today's: those are kept to the
    digit, and others are round numbers, there or a little outwards, but not outside of `within`."""
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
    outwards = zip(ends, units, (ROUND_FLOOR, ROUND_CEILING), strict=True)
    new_low, new_high = (
        float(each.scaleb(-unit).to_integral_value(way).scaleb(unit)) for each, unit, way in outwards
    )
    new_low = low if start == 0 else max(new_low, within[0])
    new_high = high if end == 1 else min(new_high, within[1])
    return (int(new_low), int(new_high)) if kind == "int_uniform" else (new_low, new_high)


def _judge(rows: Sequence[Row]) -> None:
    """Which hyper-parameters have an effect: the lesser of two p-values is found twice as easily as one."""
    lesser = [sorted(row[test] for test in ("p_rho", "p_groups") if test in row) for row in rows]
    alone = [min(1.0, found[0] * len(found)) if found else math.nan for found in lesser]
    for row, p in zip(rows, statistics.digits(statistics.holm(alone)), strict=True):
        row |= {"p_effect": p, "effect": p < statistics.ALPHA}  # of NaN: false


def _next(row: Row, spec: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    """The range of a closer look; today's if the settings would refuse it."""
    if "options" in spec:
        return
    places, advice, start, end = row.get("places", ()), row.get("advice", ""), 0.0, 1.0
    if row["effect"] and len(places) >= FEWEST // 2:
        start, end = max(0.0, places.min() - MARGIN), min(1.0, places.max() + MARGIN)
    start, end = (-WIDEN if advice == "down" else start), (1 + WIDEN if advice == "up" else end)
    universe = SAMPLING_BOUNDS[row["name"]][spec["distribution"]]
    within = (
        universe[0] if advice == "down" else spec["low"],
        universe[1] if advice == "up" else spec["high"],
    )
    low, high = _range(spec, start, end, within)
    if any(ranges(settings, row["name"], {**spec, "low": low, "high": high})):
        low, high = spec["low"], spec["high"]
    row |= {"next_low": low, "next_high": high}


def following(settings: Mapping[str, Any], space_table: pd.DataFrame, which: str = "next") -> dict[str, Any]:
    """The settings with the ranges `next_low` to `next_high` in place of today's; or the "wider" ones, where
    there are such."""
    changed = {name: dict(spec) for name, spec in settings["search"]["space"].items()}
    low, high = f"{which}_low", f"{which}_high"
    for row in space_table.dropna(subset=[low, high]).to_dict("records"):
        kind = int if row["distribution"] == "int_uniform" else float
        changed[row["name"]] |= {"low": kind(row[low]), "high": kind(row[high])}
    return {**settings, "search": {**settings["search"], "space": changed}}


def kept(settings: Mapping[str, Any], changed: Mapping[str, Any]) -> tuple[int, int]:
    """How many of today's trials a search of the `changed` ranges has, too, and how many there are today. Of
    a Bayesian search they are those of its first round: where the later ones go follows from it."""
    size = sampler(settings["search"]).size
    trials = settings["search"]["trials"] if size is None else size
    if changed["search"]["space"] == settings["search"]["space"]:
        return trials, trials
    now, then = ({trial.key for trial in plan.trials(each)} for each in (settings, changed))
    return len(now & then), trials
