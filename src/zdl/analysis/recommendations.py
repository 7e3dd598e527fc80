"""Recommendations: where in the space the best trials lie, which hyper-parameters matter, and which ranges to
search next, as a table. (`zdl.analysis.edits` has the edits that follow from it.)

Scores are those of `zdl.analysis.ranking`. A trial that diverged counts as worse than all that finished. The
row of a hyper-parameter leaves out the trials in which it plays no part, and has no tests if fewer than 10
remain. The points of a search that learns depend on the scores, so its p-values would be too small.
"""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zdl.analysis import statistics
from zdl.analysis.effects import DIVERGED, FEWEST, OUTER, Array, Mask, Row, correlation, ends, importance
from zdl.analysis.learnt import surrogate_evidence
from zdl.analysis.ranges import WIDEN, Spec, grid_points, is_wider, place, range_between, wider_range
from zdl.analysis.ranking import top
from zdl.config.checks import ranges
from zdl.search.samplers import HALVINGS, History
from zdl.search.samplers.grid import values

if TYPE_CHECKING:
    Column = pd.Series[Any]

Settings = Mapping[str, Any]

ONE_IN = 10  # one in so many trials is among the best
FIFTHS = 5
MARGIN = 0.05  # of a range, on either side of the best trials

SPACE = (
    # As in params.yaml. low, high and all columns about ends or order are blank for a choice
    *("name", "distribution", "low", "high"),
    # The number of best trials (`size_of_best`) in which it plays a part, and their least and greatest value
    *("best", "best_low", "best_high"),
    # The share of the best trials, and that of all trials, in the outer tenth at either end
    *("at_low", "at_high", "all_low", "all_high"),
    # The p-value of so many at an end by chance; blank if even all of them there would not be significant
    *("p_low", "p_high"),
    # The state of either end. If Holm's p over all ends is below 0.05: "falls" if scores fall from the best
    # trials to the end, "crowded" if there is an effect and scores rise to the end. Otherwise "clear" if the
    # share of the best there is at most that of all, "untested" without a p-value, else "unclear". For a
    # search that learns, see `zdl.analysis.learnt`
    *("low_end", "high_end"),
    # The number of trials in the outer three tenths, and the share of the later proposals in the outer tenth
    *("near_low", "near_high", "piled_low", "piled_high"),
    # The end to widen, and the end whose state is "falls": "down", "up" or ""
    *("advice", "falls"),
    # The wider range, by a quarter on its own scale; blank without advice
    *("wider_low", "wider_high"),
    # Spearman's rank correlation with the score; Kruskal and Wallis, over options or over fifths of a range
    *("rho", "p_rho", "p_groups"),
    # The lesser of both p-values, doubled, with Holm's correction over all hyper-parameters; and whether it
    # is below 0.05, or in a search that learns, whether two of the predicted scores clearly differ
    *("p_effect", "effect"),
    # The share (0 to 1) of the variance of the scores' ranks that options or fifths explain
    "importance",
    # The range for another round: if there is an effect, around the contenders (at least the best five), and
    # beyond an end that is to be widened; the present range otherwise. An end that is not known to be clear
    # stays; if contenders lie at it, so does the other end. Blank for a choice
    *("next_low", "next_high"),
)
TEXT = ("name", "distribution", "low_end", "high_end", "advice", "falls")


def space(
    frame: pd.DataFrame, settings: Settings, contenders: Sequence[int], history: History = ()
) -> pd.DataFrame:
    """A row for each searched hyper-parameter (columns: SPACE): where the best trials of a ranking lie,
    whether it matters, and what to do next. `contenders` are the trials that may be as good as Best-1, and
    `history` is what the sampler learns from."""
    specs = settings["search"]["space"]
    scores = _ranking_scores(frame, settings["search"])
    rank = np.arange(len(frame))  # the best come first
    best = rank < len(top(frame, size_of_best(len(frame))))
    near_best = frame["trial"].isin(contenders).to_numpy() | (rank < len(top(frame, FEWEST // 2)))
    rows, evidence = [], surrogate_evidence(settings, history)
    for name, spec in specs.items():
        values = frame[name] if name in frame else pd.Series([None] * len(frame), dtype="float64")
        active = values.notna().to_numpy()
        row = _row(name, spec, values[active], scores[active], best=best[active], near_best=near_best[active])
        if name in evidence:
            row = {key: value for key, value in row.items() if not key.startswith("p_")} | evidence[name]
        rows.append(row)
    _judge(rows)
    _advise(rows, settings["search"])
    for row in rows:
        _set_next_range(row, specs[row["name"]], settings)
    return _frame(rows)


def _ranking_scores(frame: pd.DataFrame, search: Settings) -> Array:
    """The scores (n,) in which a later rung, if trials were stopped, is above all of an earlier one."""
    scores = frame["val_acc"]
    if search["method"] in HALVINGS:
        scores = scores + frame["epochs"].rank(method="dense") * (1 + scores.max() - scores.min())
    return scores.where(frame["status"] != "diverged").fillna(DIVERGED).to_numpy(dtype=np.float64)


def _frame(rows: Sequence[Row]) -> pd.DataFrame:
    """The rows as a table of all columns, blank where a row has no value."""
    blank = {name: "" if name in TEXT else math.nan for name in SPACE} | {"effect": False, "best": 0}
    dtypes: dict[str, Any] = {name: "str" if name in TEXT else "float64" for name in SPACE}
    dtypes |= {"effect": "bool", "best": "int64"}
    return pd.DataFrame([{name: row.get(name, blank[name]) for name in SPACE} for row in rows]).astype(dtypes)


def size_of_best(trials: int) -> int:
    """How many trials count as the best: a tenth, but at least 5 (enough for a test) and at most a
    quarter."""
    return min(max(FEWEST // 2, trials // ONE_IN), max(1, trials // 4))


def _row(name: str, spec: Spec, values: "Column", scores: Array, *, best: Mask, near_best: Mask) -> Row:
    row: Row = {"name": name, "distribution": spec["distribution"], "best": int(best.sum())}
    if "options" in spec:
        groups: NDArray[np.int64] = np.unique(values.astype("str"), return_inverse=True)[1]
    else:
        places = np.array([place(spec, value) for value in values])
        groups = np.minimum(places * FIFTHS + 1e-9, FIFTHS - 1).astype(np.int64)
        row |= {"low": spec["low"], "high": spec["high"], "places": places[near_best]}
        row |= ends(values.to_numpy(dtype=np.float64), places, scores, best) | correlation(places, scores)
    return row | importance(groups, scores)


def _bounds(search: Settings, name: str) -> tuple[float, float]:
    """The sampling bounds of a searched range."""
    spec = search["space"][name]
    low, high = search["hyperparameters"][name]["sampling"][spec["distribution"]]
    return low, high


def _advise(rows: Sequence[Row], search: Settings) -> None:
    """Add the state of every end to `rows`, and the end to widen: at most one of each range, and none that is
    already at the sampling bounds."""
    row_ends = [(row, end) for row in rows for end in ("low", "high") if "falling" in row]
    p_values = statistics.holm([row.get(f"p_{end}", math.nan) for row, end in row_ends])
    for k in np.argsort(p_values, kind="stable"):  # the least p-value first; NaN last
        p, (row, end) = float(p_values[k]), row_ends[k]
        spec = search["space"][row["name"]]
        low, high = wider_range(spec, end, _bounds(search, row["name"]))
        direction = "down" if end == "low" else "up"
        state = row.get(f"judged_{end}") or _state(row, end, p)
        if state == "crowded" and end in row["cliff"]:  # the surrogate does not model a cliff
            state = "falls"
        row[f"{end}_end"] = state
        if "advice" in row:
            continue
        if state == "falls":
            row["falls"] = direction
        elif state == "crowded" and is_wider(spec, low, high):
            row |= {"advice": direction, "wider_low": low, "wider_high": high}


def _state(row: Row, end: str, p: float) -> str:
    """The state of an end, from its corrected p-value."""
    if math.isnan(p):
        return "untested"
    if p < statistics.ALPHA:
        rises = row["effect"] and end in row["rising"]
        return "falls" if end in row["cliff"] | row["falling"] else "crowded" if rises else "unclear"
    return "clear" if row[f"at_{end}"] <= row[f"all_{end}"] else "unclear"


def _judge(rows: Sequence[Row]) -> None:
    """Add to `rows` which hyper-parameters have an effect. The lesser of two p-values is doubled, as it is
    small twice as often as one. A search that learns has no p-values."""
    p_lists = [sorted(row[test] for test in ("p_rho", "p_groups") if test in row) for row in rows]
    raw_p = [min(1.0, p_values[0] * len(p_values)) if p_values else math.nan for p_values in p_lists]
    for row, p in zip(rows, statistics.significant_digits(statistics.holm(raw_p)), strict=True):
        row |= {"p_effect": p, "effect": row.get("effect", p < statistics.ALPHA)}  # false for NaN


def _set_next_range(row: Row, spec: Spec, settings: Settings) -> None:
    """Add the range for another round to `row`; the present one if that range would be invalid."""
    if "options" in spec:
        return
    advice = row.get("advice", "")
    start, end = _close_range(row) if row["effect"] else (0.0, 1.0)
    start, end = (-WIDEN if advice == "down" else start), (1 + WIDEN if advice == "up" else end)
    if "points" in spec:
        _set_next_grid(row, spec, settings, (start, end))
        return
    bounds = _bounds(settings["search"], row["name"])
    limits = (
        bounds[0] if advice == "down" else spec["low"],
        bounds[1] if advice == "up" else spec["high"],
    )
    low, high = range_between(spec, start, end, limits)
    if any(ranges(settings, row["name"], {**spec, "low": low, "high": high})):
        low, high = spec["low"], spec["high"]
    row |= {"next_low": low, "next_high": high}


def _close_range(row: Row) -> tuple[float, float]:
    """The two places between which the contenders lie, with a margin. An end that is not known to be clear
    stays. If contenders lie at such an end, better trials may lie beyond it, and the whole range stays."""
    places = row.get("places", np.zeros(0))
    if len(places) < FEWEST // 2:
        return 0.0, 1.0
    is_clear = {end: row[f"{end}_end"] in ("clear", "falls") for end in ("low", "high")}
    advised_end = {"down": "low", "up": "high"}.get(row.get("advice", ""))
    for end, nearness in (("low", 1 - places), ("high", places)):
        if not is_clear[end] and end != advised_end and nearness.max() >= 1 - OUTER - 1e-9:
            return 0.0, 1.0
    start, end = max(0.0, places.min() - MARGIN), min(1.0, places.max() + MARGIN)
    return start if is_clear["low"] else 0.0, end if is_clear["high"] else 1.0


def _set_next_grid(row: Row, spec: Spec, settings: Settings, places: tuple[float, float]) -> None:
    """Add the range for another round of a grid to `row`. Its ends are values of the grid or of the wider
    one."""
    grid = values(spec)
    shares = [place(spec, value) for value in grid]
    low = grid[max(k for k, share in enumerate(shares) if share <= max(places[0], 0.0) + 1e-9)]
    high = grid[min(k for k, share in enumerate(shares) if share >= min(places[1], 1.0) - 1e-9)]
    low = row["wider_low"] if places[0] < 0 else low
    high = row["wider_high"] if places[1] > 1 else high
    next_spec = (
        {**spec, "low": low, "high": high, "points": grid_points(spec, low, high)} if low < high else spec
    )
    if any(ranges(settings, row["name"], next_spec)):
        next_spec = spec
    row |= {"next_low": next_spec["low"], "next_high": next_spec["high"]}
