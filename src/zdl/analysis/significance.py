"""Significance: how well the best trials can be distinguished, and what fewer trials would have found.
Tables, which the page and the figures show. (Where in the space the best ones lie:
`zdl.analysis.recommendations`.)

Scores are those that rank (`zdl.analysis.ranking`). p-values are rounded to 4 significant digits and all else
to 6 decimals or fewer: the same on every machine.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zdl.analysis import statistics
from zdl.analysis.outcomes import of_validation
from zdl.analysis.ranking import in_full, top
from zdl.analysis.scored import Counted, Scored
from zdl.data.scores import Score

Mask = NDArray[np.bool_]

EVERY = 256  # up to so many trials the budget has a row for each number; beyond, at ever longer steps

LEADERS = (
    *("rank", "trial", "val_acc"),
    # Wilson's 95 % interval of val_acc; of another score, the bootstrap's
    *("low", "high"),
    # Whether another trial that finished (in full, below too) has the same val_acc
    "tied",
    # How often it comes first of all that finished when the rows are drawn again (`Scored.comes_first`);
    # blank for one row
    "comes_first",
)
AGAINST = (  # Best-1; blank in its own row
    # Rows that only Best-1, or only this trial, recognises; blank for a score that does not count rows
    *("only_first", "only_this"),
    # Of no difference from Best-1 (exact McNemar; of another score, `Redrawn.p_values`), alone and as one of
    # all that finished. Best-1 was chosen for its score, so even these flatter it.
    *("p_value", "p_holm"),
)
KINDS = {"rank": "int64", "trial": "int64", "tied": "bool", "only_first": "Int64", "only_this": "Int64"}


def leaders(
    table: Mapping[str, Any], frame: pd.DataFrame, best: int, rng: np.random.Generator
) -> pd.DataFrame:
    """A row for each of the best trials: how sure its place is (columns: LEADERS and AGAINST). The bootstrap
    of images draws from `rng`."""
    finished = top(frame, len(frame))
    if finished.empty:
        return pd.DataFrame(
            {name: pd.Series(dtype=KINDS.get(name, "float64")) for name in (*LEADERS, *AGAINST)}
        )
    compared = in_full(table, frame)
    scored = _scored(table, compared)
    against = _against_first(scored).set_index(compared.index)
    shown = finished[["rank", "trial", "val_acc"]].head(best)
    lead = shown.join(against.assign(comes_first=np.round(scored.comes_first(rng), 4)))
    lead["tied"] = compared["val_acc"].duplicated(keep=False).reindex(lead.index, fill_value=False)
    lead[["low", "high"]] = np.round(_scored(table, shown).intervals(), 6)
    return lead[[*LEADERS, *AGAINST]].reset_index(drop=True).astype(KINDS)


def contenders(table: Mapping[str, Any], frame: pd.DataFrame) -> list[int]:
    """The trials that may be as good as Best-1, which is the first of them: those that do not differ from it
    significantly (p_holm as in `leaders`), in the order of ranks. None if none finished."""
    compared = in_full(table, frame)
    if compared.empty:
        return []
    differs = _against_first(_scored(table, compared))["p_holm"] < statistics.ALPHA
    return compared["trial"][~differs.to_numpy()].astype(int).tolist()


def _scored(table: Mapping[str, Any], finished: pd.DataFrame) -> Scored:
    """The scores of the same validation rows, at the end of each curve."""
    return of_validation([table["trials"][trial]["outcome"] for trial in finished["trial"]])


def _against_first(scored: Scored) -> pd.DataFrame:
    """The columns AGAINST for all trials, of which the first is Best-1."""
    first, this = scored.only() if isinstance(scored, Counted) else ([pd.NA] * len(scored),) * 2
    out = pd.DataFrame({"only_first": first, "only_this": this}, dtype="Int64")
    out.iloc[0] = pd.NA
    p_values = scored.p_values()
    return out.assign(
        p_value=statistics.significant_digits(p_values),
        p_holm=statistics.significant_digits(statistics.holm(p_values)),
    )


def budget(table: Mapping[str, Any], frame: pd.DataFrame, settings: Mapping[str, Any]) -> pd.DataFrame:
    """What the search would have found with fewer trials: a row for each number (with more than EVERY: for
    `_sizes`, and for each new best), none if none finished.

    Of a random search: trials, expected (the best of so many, without bias), low, high (its 95 % band, for
    all numbers at once), lower, median, upper (quartiles of the best in the disjoint experiments of that
    size; blank where they are fewer than 4). A trial that diverged scores 0 here. A score without a least
    value has no band, and a trial that diverged then scores as the worst that finished. The trials of other
    methods are not independent: trials, best (so far, in the order of the search; blank until one finished).
    """
    finished = in_full(table, frame)
    scores = np.full(len(table["trials"]), math.nan)
    scores[finished["trial"].to_numpy(dtype=np.int64)] = finished["val_acc"]
    trials = np.arange(1, len(scores) + 1 if len(finished) else 1)
    if settings["search"]["method"] != "random":
        best = np.fmax.accumulate(scores)[: len(trials)] if len(scores) else scores
        so_far = pd.DataFrame({"trials": trials, "best": best})
        return so_far[_sizes(len(trials)) | ~so_far["best"].duplicated()]
    columns = np.full((6, len(trials)), np.nan)
    if len(finished):
        score = Score.of(settings["search"])
        known = np.nan_to_num(scores, nan=0.0 if score.is_share else np.nanmin(scores))
        columns[0] = statistics.expected_maximum(known)
        if score.is_share:
            columns[1:3] = statistics.maximum_band(known)
        columns[3:] = statistics.quartiles_of_experiments(known).T
    names = ("expected", "low", "high", "lower", "median", "upper")
    every = pd.DataFrame({"trials": trials, **dict(zip(names, np.round(columns, 6), strict=True))})
    return every[_sizes(len(trials))]


def single_searches(budget: pd.DataFrame) -> pd.DataFrame:
    """The rows of a random search's budget that show single searches: of 4, 8, 16, ... trials, as far as
    there are quartiles (of fewer trials there is no search)."""
    trials = budget["trials"]
    return budget[(trials >= 4) & (trials & (trials - 1) == 0)].dropna(subset=["median"])


def _sizes(trials: int) -> Mask:
    """Which numbers of trials, from 1 on, have a row: each up to EVERY, every second up to twice as many,
    every fourth up to four times, and so on. So the double of a number with a row has one, too. The last
    number and half of it have one in any case."""
    numbers = np.arange(1, trials + 1)
    step = 1 << np.frexp((numbers - 1) // EVERY)[1]
    chosen: Mask = (numbers % step == 0) | np.isin(numbers, (trials // 2, trials))
    return chosen
