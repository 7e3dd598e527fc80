"""Significance: how well the best trials can be distinguished, and what fewer trials would have found.

Scores are those of `zdl.analysis.ranking`. p-values are rounded to 4 significant digits, other numbers to 6
decimals or fewer, so that they are the same on every machine.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zdl.analysis import statistics
from zdl.analysis.outcomes import validation_scores
from zdl.analysis.ranking import full_trials, top
from zdl.analysis.scored import HitScores, NetworkScores
from zdl.data.scores import Score

Mask = NDArray[np.bool_]

EVERY = 256  # the budget has a row for each number of trials up to this one, and longer steps above

LEADERS = (
    *("rank", "trial", "val_acc"),
    # Wilson's 95 % interval of val_acc; of another score, the bootstrap's
    *("low", "high"),
    # Whether another trial that finished (in full, below too) has the same val_acc
    "tied",
    # How often it comes first of all that finished when the rows are drawn again
    # (`NetworkScores.first_shares`); blank for one row
    "comes_first",
)
AGAINST = (  # Best-1; blank in its own row
    # Rows that only Best-1, or only this trial, recognises; blank for a score that does not count rows
    *("only_first", "only_this"),
    # Of no difference from Best-1 (exact McNemar; of another score, `BootstrapScores.p_values`), alone and as
    # one of all that finished. Best-1 was chosen for its score, so even these flatter it.
    *("p_value", "p_holm"),
)
DTYPES = {"rank": "int64", "trial": "int64", "tied": "bool", "only_first": "Int64", "only_this": "Int64"}


def leaders(
    table: Mapping[str, Any], frame: pd.DataFrame, best: int, rng: np.random.Generator
) -> pd.DataFrame:
    """A row for each of the best trials: how sure its place is (columns: LEADERS and AGAINST). The bootstrap
    of images draws from `rng`."""
    finished = top(frame, len(frame))
    if finished.empty:
        return pd.DataFrame(
            {name: pd.Series(dtype=DTYPES.get(name, "float64")) for name in (*LEADERS, *AGAINST)}
        )
    trials = full_trials(table, frame)
    scores = _validation_scores(table, trials)
    comparison = _comparison_with_best(scores).set_index(trials.index)
    best_trials = finished[["rank", "trial", "val_acc"]].head(best)
    rows = best_trials.join(comparison.assign(comes_first=np.round(scores.first_shares(rng), 4)))
    rows["tied"] = trials["val_acc"].duplicated(keep=False).reindex(rows.index, fill_value=False)
    rows[["low", "high"]] = np.round(_validation_scores(table, best_trials).intervals(), 6)
    return rows[[*LEADERS, *AGAINST]].reset_index(drop=True).astype(DTYPES)


def contenders(table: Mapping[str, Any], frame: pd.DataFrame) -> list[int]:
    """The trials that may be as good as Best-1, which is the first of them: those that do not differ from it
    significantly (p_holm as in `leaders`), in the order of ranks. None if none finished."""
    trials = full_trials(table, frame)
    if trials.empty:
        return []
    is_worse = _comparison_with_best(_validation_scores(table, trials))["p_holm"] < statistics.ALPHA
    return trials["trial"][~is_worse.to_numpy()].astype(int).tolist()


def _validation_scores(table: Mapping[str, Any], finished: pd.DataFrame) -> NetworkScores:
    """The scores of trials on the validation rows, at the end of each curve."""
    return validation_scores([table["trials"][trial]["outcome"] for trial in finished["trial"]])


def _comparison_with_best(scores: NetworkScores) -> pd.DataFrame:
    """The columns AGAINST for all networks, of which the first is Best-1."""
    discordant = scores.discordant_counts() if isinstance(scores, HitScores) else ([pd.NA] * len(scores),) * 2
    columns = pd.DataFrame({"only_first": discordant[0], "only_this": discordant[1]}, dtype="Int64")
    columns.iloc[0] = pd.NA
    p_values = scores.p_values()
    return columns.assign(
        p_value=statistics.significant_digits(p_values),
        p_holm=statistics.significant_digits(statistics.holm(p_values)),
    )


def budget(table: Mapping[str, Any], frame: pd.DataFrame, settings: Mapping[str, Any]) -> pd.DataFrame:
    """What the search would have found with fewer trials: a row for each number (with more than EVERY: for
    `_has_row`, and for each new best), none if none finished.

    Of a random search: trials, expected (the best of so many, without bias), low, high (its 95 % band, for
    all numbers at once), lower, median, upper (quartiles of the best in the disjoint experiments of that
    size; blank where they are fewer than 4). A trial that diverged scores 0 here. A score without a least
    value has no band, and a trial that diverged then scores as the worst that finished. The trials of other
    methods are not independent: trials, best (so far, in the order of the search; blank until one finished).
    """
    full = full_trials(table, frame)
    scores = np.full(len(table["trials"]), math.nan)
    scores[full["trial"].to_numpy(dtype=np.int64)] = full["val_acc"]
    trials = np.arange(1, len(scores) + 1 if len(full) else 1)
    if settings["search"]["method"] != "random":
        best = np.fmax.accumulate(scores)[: len(trials)] if len(scores) else scores
        best_so_far = pd.DataFrame({"trials": trials, "best": best})
        return best_so_far[_has_row(len(trials)) | ~best_so_far["best"].duplicated()]
    columns = np.full((6, len(trials)), np.nan)
    if len(full):
        score = Score.of(settings["search"])
        values = np.nan_to_num(scores, nan=0.0 if score.is_share else np.nanmin(scores))
        columns[0] = statistics.expected_maximum(values)
        if score.is_share:
            columns[1:3] = statistics.maximum_band(values)
        columns[3:] = statistics.quartiles_of_experiments(values).T
    names = ("expected", "low", "high", "lower", "median", "upper")
    rows = pd.DataFrame({"trials": trials, **dict(zip(names, np.round(columns, 6), strict=True))})
    return rows[_has_row(len(trials))]


def single_searches(budget: pd.DataFrame) -> pd.DataFrame:
    """The rows of a random search's budget that show single searches: those of 4, 8, 16, ... trials that have
    quartiles."""
    trials = budget["trials"]
    return budget[(trials >= 4) & (trials & (trials - 1) == 0)].dropna(subset=["median"])


def _has_row(trials: int) -> Mask:
    """Which numbers of trials, from 1 on, have a row of the budget (trials,): all up to EVERY, every second
    up to 2 * EVERY, every fourth up to 4 * EVERY, and so on; the last number and half of it have one in any
    case."""
    numbers = np.arange(1, trials + 1)
    step = 1 << np.frexp((numbers - 1) // EVERY)[1]
    has_row: Mask = (numbers % step == 0) | np.isin(numbers, (trials // 2, trials))
    return has_row
