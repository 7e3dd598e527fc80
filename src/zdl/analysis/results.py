"""The analysis of a search: every table of the report in one typed result, for the published tables, the page
and the figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zdl.analysis import mistakes, ranking, recommendations, replication, significance
from zdl.analysis.baseline import baseline_scores, margin_over_linear
from zdl.analysis.outcomes import Labels, Replicates, interval, replicates_by_trial
from zdl.analysis.rise import rise
from zdl.analysis.rungs import Rung, rungs
from zdl.analysis.surrogate import observations
from zdl.artifacts.encoding import decode_json, decode_npz, digest_of_arrays
from zdl.data.scores import Score
from zdl.search.distributions import stream

Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Search:
    """The analysis of the trials. If none finished, all but `trials`, `ranking`, `guess` and `space` is
    empty."""

    trials: Sequence[Mapping[str, Any]]  # each with its point and outcome, in the order of the search
    ranking: pd.DataFrame  # a row a trial, the best first
    guess: float  # the validation score of always naming the commonest class, or of `baseline.guess`
    curves: pd.DataFrame  # the learning curves of the best
    leaders: pd.DataFrame  # a row for each of the best: intervals, ties, how often each comes first, tests
    contenders: Sequence[int]  # trials that cannot be distinguished from Best-1, which is the first
    space: pd.DataFrame  # a row a hyper-parameter: where the best lie, effects, the ranges to go on with
    budget: pd.DataFrame  # by the number of trials: expected, low, high; or, of other methods, best so far
    in_full: int  # trials that finished and were not stopped before Best-1
    rungs: Sequence[Rung]  # if trials were stopped


@dataclass(frozen=True)
class Replication:
    """The analysis of the replicates of the best trials. If no trial finished, all is empty."""

    confirmed: pd.DataFrame  # a row for each of the best trials
    best: int | None  # the trial that they confirm as the best; None if no replicate finished
    rivals: pd.DataFrame  # a row for each other trial: 1 if `best` scores more, -1 if less, else 0
    confusion: NDArray[np.float64]  # (classes, classes): the share of class i that `best` takes for j
    linear: Mapping[str, float]  # a linear model's scores on the same splits
    margin: Mapping[str, float]  # how much more `best` scores than the linear model, with its interval
    rise: Mapping[str, float]  # how much the score still rises at the end of the replicates' curves


@dataclass(frozen=True)
class HeldOut:
    """Rows that no trial uses."""

    x: NDArray[Any]  # (n, ...)
    t: Labels  # their labels (n,)
    classes: NDArray[np.str_]  # the names of the classes; none in regression
    columns: NDArray[np.str_]  # the names of the columns, if it is a table
    guess_score: float | None = None  # of `baseline.guess`; None for accuracy

    @property
    def guess(self) -> float:
        """The score of giving every row the same answer; for accuracy, the share of the commonest class."""
        if self.guess_score is not None:
            return self.guess_score
        return float(np.bincount(self.t).max() / len(self.t))


@dataclass(frozen=True)
class Analysis:
    """The whole analysis of a search. Accuracies are shares of rows, in [0, 1]."""

    search: Search
    replication: Replication
    held_out: HeldOut
    rows: Mapping[str, int]  # the numbers of training rows, `train`, and of validation rows, `val`
    metrics: Mapping[str, Mapping[str, Any]]  # nested scalars
    made_from: Mapping[str, str]  # what determines the numbers, besides settings and code
    score: Score = field(default_factory=Score)  # the score of all tables


def analyse(
    settings: Settings, table: bytes, replicates: Sequence[bytes], baseline: bytes, held_out: bytes
) -> Analysis:
    """The analysis, from the contents of the files of trials, replicates, linear models and held-out rows."""
    trials, linear, score = decode_json(table), decode_json(baseline), Score.of(settings["search"])
    guess, guess_held_out = linear.get("guess") or (_commonest(trials), None)
    held_out_rows = HeldOut(**decode_npz(held_out), guess_score=guess_held_out)
    search = _search(settings, trials, guess)
    metrics = ranking.metrics(trials, search.ranking, settings["report"]["best"])
    result = _replication(replicates_by_trial(replicates, trials["trials"]), search, held_out_rows, linear)
    return Analysis(
        search=search,
        replication=result,
        held_out=held_out_rows,
        rows={part: linear["search"][f"{part}_size"] for part in ("train", "val")},
        metrics=metrics | {"confirmed": replication.metrics(result.confirmed, result.linear)},
        made_from={
            **({} if score.counts else {"score": score.name}),
            "data": trials["data"],
            "held_out": digest_of_arrays({"x": held_out_rows.x, "t": held_out_rows.t}),
            **trials["libraries"],
        },
        score=score,
    )


def _commonest(table: Mapping[str, Any]) -> float:
    """The share of the commonest class among the validation rows."""
    return float(table["commonest"] / table["trials"][0]["outcome"]["curve"]["val_size"])


def _search(settings: Settings, table: Mapping[str, Any], guess: float) -> Search:
    best = settings["report"]["best"]
    frame = ranking.rank(table, settings["search"]["space"])
    contenders = significance.contenders(table, frame)
    rng = np.random.Generator(stream(settings["search"]["seed"], "leaders"))
    return Search(
        trials=table["trials"],
        ranking=frame,
        guess=guess,
        curves=ranking.curves(table, frame, best),
        leaders=significance.leaders(table, frame, best, rng),
        contenders=contenders,
        space=recommendations.space(
            frame, settings, contenders, observations(table["trials"], settings["search"])
        ),
        budget=significance.budget(table, frame, settings),
        in_full=len(ranking.full_trials(table, frame)),
        rungs=rungs(table["trials"], settings["search"]),
    )


def _replication(
    replicates: Replicates, search: Search, held_out: HeldOut, baseline: Mapping[str, Any]
) -> Replication:
    t = held_out.t
    confirmed = replication.confirmed(replicates, search.ranking, t, partial(interval, search.trials))
    best = replication.confirmed_best(confirmed)
    return Replication(
        confirmed=confirmed,
        best=best,
        rivals=replication.rivals(replicates, best, t),
        confusion=mistakes.confusion(replicates, best, t, len(held_out.classes)),
        linear=baseline_scores(baseline),
        margin=margin_over_linear(replicates, best, t, baseline),
        rise=rise(replicates),
    )
