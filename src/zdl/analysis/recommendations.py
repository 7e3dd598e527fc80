"""Recommendations: where in the space the best trials lie, which hyper-parameters matter, and which ranges to
search next. A table, which the page and the figures show, and the settings that it leads to.

Scores are those that rank (`zdl.analysis.ranking`). A trial that diverged counts as worse than all that
finished. A trial in which a hyper-parameter plays no part is left out for it; with fewer than 10 others there
are no tests. The points of a Bayesian search follow from the scores, so its p-values are too small.
"""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zdl.analysis import statistics
from zdl.analysis.effects import DIVERGED, FEWEST, Array, Mask, Row, correlation, ends, importance
from zdl.analysis.ranges import WIDEN, Spec, between, is_wider, place, wider
from zdl.analysis.ranking import top
from zdl.config.checks import ranges
from zdl.config.hyperparameters import SAMPLING_BOUNDS
from zdl.search import plan
from zdl.search.samplers import sampler

if TYPE_CHECKING:
    Column = pd.Series[Any]

Settings = Mapping[str, Any]

ONE_IN = 10  # one in so many trials is among the best
FIFTHS = 5
MARGIN = 0.05  # of a range, left on either side of the best trials

SPACE = (
    # As in params.yaml; low and high are blank for a choice, as is all below about ends or order
    *("name", "distribution", "low", "high"),
    # How many trials the best are (`size_of_best`), less those in which it plays no part, and their ends
    *("best", "best_low", "best_high"),
    # The share of the best trials in the outer tenth of either end, and that of all trials
    *("at_low", "at_high", "all_low", "all_high"),
    # The p-value of so many at an end by chance; blank where even all of them there would prove nothing
    *("p_low", "p_high"),
    # Where Holm's p over all ends is below 0.05, "down" or "up": the end to widen, or, if scores fall from
    # the best trials there to the very end, that end under `falls`. Otherwise ""
    *("advice", "falls"),
    # The wider range, by a quarter on its own scale; blank without advice
    *("wider_low", "wider_high"),
    # Spearman's rank correlation with the score; Kruskal and Wallis, over options or over fifths of a range
    *("rho", "p_rho", "p_groups"),
    # The lesser of both p-values, doubled, with Holm's correction over all hyper-parameters; is it below 0.05
    *("p_effect", "effect"),
    # 0 to 1: the share of the variance of the scores' ranks that options or fifths explain
    "importance",
    # The range for a closer look: around the contenders (and never fewer than the best five) if there is an
    # effect, moved beyond an end where that is advised; the present one otherwise. A choice is left alone.
    *("next_low", "next_high"),
)
TEXT = ("name", "distribution", "advice", "falls")


def space(frame: pd.DataFrame, settings: Settings, contenders: Sequence[int]) -> pd.DataFrame:
    """A row for each searched hyper-parameter (columns: SPACE): where the best trials of a ranking lie,
    whether it matters, and what to do next. `contenders` are the trials that may be as good as Best-1."""
    searched = settings["search"]["space"]
    scores = frame["val_acc"].where(frame["status"] != "diverged").fillna(DIVERGED).to_numpy(dtype=np.float64)
    rank = np.arange(len(frame))  # the best come first
    best = rank < len(top(frame, size_of_best(len(frame))))
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
    return _frame(rows)


def _frame(rows: Sequence[Row]) -> pd.DataFrame:
    """The rows as a table of all columns, blank where a row has no value."""
    blank = {name: "" if name in TEXT else math.nan for name in SPACE} | {"effect": False, "best": 0}
    kinds: dict[str, Any] = {name: "str" if name in TEXT else "float64" for name in SPACE}
    kinds |= {"effect": "bool", "best": "int64"}
    return pd.DataFrame([{name: row.get(name, blank[name]) for name in SPACE} for row in rows]).astype(kinds)


def size_of_best(trials: int) -> int:
    """How many of so many trials are the best here: enough for a test, few enough to be good. A tenth, at
    least 5, at most a quarter."""
    return min(max(FEWEST // 2, trials // ONE_IN), max(1, trials // 4))


def _row(name: str, spec: Spec, values: "Column", scores: Array, *, best: Mask, close: Mask) -> Row:
    row: Row = {"name": name, "distribution": spec["distribution"], "best": int(best.sum())}
    if "options" in spec:
        groups: NDArray[np.int64] = np.unique(values.astype("str"), return_inverse=True)[1]
    else:
        places = np.array([place(spec, value) for value in values])
        groups = np.minimum(places * FIFTHS + 1e-9, FIFTHS - 1).astype(np.int64)
        row |= {"low": spec["low"], "high": spec["high"], "places": places[close]}
        row |= ends(values.to_numpy(dtype=np.float64), places, scores, best) | correlation(places, scores)
    return row | importance(groups, scores)


def _advise(rows: Sequence[Row], searched: Mapping[str, Spec]) -> None:
    """Which ends to widen: at most one of a range, none to which scores fall, and none that is at the end of
    the sampling bounds."""
    tested = [(row, end) for row in rows for end in ("low", "high") if f"p_{end}" in row]
    adjusted = statistics.holm([row[f"p_{end}"] for row, end in tested])
    for p, (row, end) in sorted(zip(adjusted.tolist(), tested, strict=True), key=lambda each: each[0]):
        low, high = wider(row["name"], searched[row["name"]], end)
        way = "down" if end == "low" else "up"
        if not p < statistics.ALPHA or "advice" in row:
            continue
        if end in row["falling"]:
            row["falls"] = way
        elif is_wider(searched[row["name"]], low, high):
            row |= {"advice": way, "wider_low": low, "wider_high": high}


def _judge(rows: Sequence[Row]) -> None:
    """Which hyper-parameters have an effect: the lesser of two p-values is small twice as often as one."""
    tests = [sorted(row[test] for test in ("p_rho", "p_groups") if test in row) for row in rows]
    alone = [min(1.0, p_values[0] * len(p_values)) if p_values else math.nan for p_values in tests]
    for row, p in zip(rows, statistics.significant_digits(statistics.holm(alone)), strict=True):
        row |= {"p_effect": p, "effect": p < statistics.ALPHA}  # of NaN: false


def _next(row: Row, spec: Spec, settings: Settings) -> None:
    """The range of a closer look; the present one if the settings would refuse it."""
    if "options" in spec:
        return
    places, advice, start, end = row.get("places", ()), row.get("advice", ""), 0.0, 1.0
    if row["effect"] and len(places) >= FEWEST // 2:
        start, end = max(0.0, places.min() - MARGIN), min(1.0, places.max() + MARGIN)
    start, end = (-WIDEN if advice == "down" else start), (1 + WIDEN if advice == "up" else end)
    bounds = SAMPLING_BOUNDS[row["name"]][spec["distribution"]]
    within = (
        bounds[0] if advice == "down" else spec["low"],
        bounds[1] if advice == "up" else spec["high"],
    )
    low, high = between(spec, start, end, within)
    if any(ranges(settings, row["name"], {**spec, "low": low, "high": high})):
        low, high = spec["low"], spec["high"]
    row |= {"next_low": low, "next_high": high}


class Edit(NamedTuple):
    """An edit of the ranges in params.yaml, and what it costs."""

    space: dict[str, Any]  # search.space after it
    shared: int  # trials of the present search that a search of this space has, too
    trials: int  # of the present search (of a Bayesian one: of its first round, as the others follow from it)


def edit(settings: Settings, space_table: pd.DataFrame, which: str) -> Edit:
    """The edit to the ranges `next_low` to `next_high` of a table from `space`; or "wider", where it has
    such."""
    changed = {name: dict(spec) for name, spec in settings["search"]["space"].items()}
    low, high = f"{which}_low", f"{which}_high"
    for row in space_table.dropna(subset=[low, high]).to_dict("records"):
        kind = int if row["distribution"] == "int_uniform" else float
        changed[row["name"]] |= {"low": kind(row[low]), "high": kind(row[high])}
    return Edit(changed, *_shared(settings, changed))


def _shared(settings: Settings, space: Mapping[str, Any]) -> tuple[int, int]:
    size = sampler(settings["search"]).size
    trials = settings["search"]["trials"] if size is None else size
    if space == settings["search"]["space"]:
        return trials, trials
    edited = {**settings, "search": {**settings["search"], "space": space}}
    before, after = ({trial.key for trial in plan.trials(each)} for each in (settings, edited))
    return len(before & after), trials
