"""The best trials and their replicates on validation and on held-out images, as tables.

A search picks the greatest of many noisy scores, so the score of that trial is most likely too high. This
selection bias is called the winner's curse. Replicates have other weights, batches and training images, and
their networks are also tested on held-out images, which the search never used.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from zdl.analysis.outcomes import (
    Labels,
    Outcome,
    Replicates,
    difference,
    held_out_scores,
    mean_and_deviation,
    mean_score,
    outcomes,
    score_of,
    split_ratio,
    val_acc,
)
from zdl.analysis.ranking import curve_points
from zdl.analysis.scored import Interval
from zdl.analysis.statistics import signs_of_differences, standard_error_over_splits, student_interval
from zdl.search.curves import scores as scores_of

Pairs = Sequence[tuple[Outcome, Outcome]]  # of networks on the same split
Difference = tuple[float, float, int]  # a mean, its standard error, and over how many pairs

CONFIRMED = (
    *("rank", "trial"),
    # The score in the search, and its 95 % interval (as in `zdl.analysis.significance.leaders`)
    *("val_acc", "low", "high"),
    # Replicates that finished, and that diverged
    *("repeats", "diverged"),
    # Mean and standard deviation (n - 1; blank for one) of the validation accuracy of those that finished
    *("val_mean", "val_sd"),
    # The selection bias, val_acc less val_mean, and its 95 % interval from the error of that mean
    # (`standard_error_over_splits`). The interval is blank for one replicate. All three are blank for a trial
    # that was stopped, as its replicates have more epochs
    *("luck", "luck_low", "luck_high"),
    # Their mean score on the held-out rows, with its 95 % interval (`NetworkScores.mean`)
    *("held_out", "held_out_low", "held_out_high"),
    # val_mean less held_out. It is above 0 if the held-out images are harder, or if the networks were lucky
    # on validation images. The gap of the linear model, which no search picked, shows how much harder they
    # are (`loss` of `zdl.analysis.baseline.baseline_scores`)
    "gap",
)


def confirmed(
    replicates: Replicates, ranking: pd.DataFrame, t: Labels, interval: Callable[[int], Interval]
) -> pd.DataFrame:
    """A row for each of the best trials (columns: CONFIRMED), in the order of the ranking. `interval` returns
    the interval of a trial's score in the search."""
    trials = {row["trial"]: row for row in ranking[["rank", "trial", "val_acc", "epochs"]].to_dict("records")}
    rows = []
    for trial, all_outcomes in replicates.items():
        finished = [outcome for outcome in all_outcomes if outcome["final"]]
        epochs = trials[trial]["epochs"]
        comparable = [
            outcome for outcome in finished if len(scores_of(outcome["curve"], "val")) == epochs
        ]  # none if the trial was stopped
        score = trials[trial]["val_acc"]
        val_mean_and_sd = mean_and_deviation([val_acc(outcome) for outcome in finished])
        held_out = mean_score(held_out_scores(finished, t))
        rows.append(
            (
                *(trials[trial]["rank"], trial, score),
                *(round(end, 6) for end in interval(trial)),
                *(len(finished), len(all_outcomes) - len(finished)),
                *val_mean_and_sd,
                *_selection_bias(score, val_mean_and_sd, comparable),
                *held_out,
                difference(val_mean_and_sd[0], held_out[0]),
            )
        )
    return pd.DataFrame(rows, columns=CONFIRMED)


def _selection_bias(
    score: float, val_mean_and_sd: tuple[float, float], finished: Sequence[Outcome]
) -> tuple[float, float, float]:
    """A score less the mean of its replicates, and the interval of the difference."""
    if not finished:
        return math.nan, math.nan, math.nan
    mean, deviation = val_mean_and_sd
    error = standard_error_over_splits(deviation, len(finished), split_ratio(finished[0]))
    low, high = student_interval(mean, error, len(finished), score_of(finished).limits)
    return difference(score, mean), difference(score, high), difference(score, low)


def confirmed_best(confirmed: pd.DataFrame) -> int | None:
    """The trial that replicates confirm as the best: that with the fewest diverged replicates, and among
    those the greatest mean validation accuracy. Held-out images are not used, so that they can test the
    choice."""
    finished = confirmed[confirmed["repeats"] > 0]
    if finished.empty:
        return None
    order = finished.sort_values(
        ["diverged", "val_mean", "rank"], ascending=[True, False, True], kind="stable"
    )
    return int(order["trial"].iloc[0])


def scores(replicates: Replicates, ranking: pd.DataFrame, t: Labels) -> pd.DataFrame:
    """A row for each replicate: rank and place of its trial, its own number from 1, its status, and if it
    finished, its accuracies on validation and held-out images."""
    ranks = ranking.set_index("trial")["rank"]
    rows = [
        (
            ranks[trial],
            trial,
            number,
            outcome["status"],
            val_acc(outcome) if outcome["final"] else None,
            round(held_out_scores([outcome], t).mean()[0], 6) if outcome["final"] else None,
        )
        for trial, trial_outcomes in replicates.items()
        for number, outcome in enumerate(trial_outcomes, start=1)
    ]
    frame = pd.DataFrame(rows, columns=["rank", "trial", "repeat", "status", "val_acc", "held_out"])
    return frame.astype({"val_acc": "float64", "held_out": "float64"})


def rivals(replicates: Replicates, trial: int | None, t: Labels) -> pd.DataFrame:
    """How `trial` compares with each other trial that has replicates, in the order of ranks. Columns:
    `trial`, the other; `val` and `held_out`: 1 if `trial` recognises more of these images, -1 if fewer, 0 if
    the two cannot be distinguished (`signs_of_differences`).

    Networks are compared in pairs on the same split, and on held-out images also image by image. `trial` was
    chosen by its validation scores (`confirmed_best`), and networks that are lucky there tend to be better on
    held-out images. So its comparisons are corrected for the number of all pairs of trials. They hold for
    networks trained on these images; other training images might order the trials differently.
    """
    other_trials = [other for other in replicates if trial is not None and other != trial]
    pairs = [list(_pairs(outcomes(replicates, trial), replicates[other])) for other in other_trials]
    differences = {
        "val": [_validation_difference(pair_list) for pair_list in pairs],
        "held_out": [_held_out_difference(pair_list, t) for pair_list in pairs],
    }
    tests = math.comb(len(replicates), 2)
    signs = {}
    for name, rows in differences.items():
        means, errors, counts = zip(*rows, strict=True) if rows else ((), (), ())
        signs[name] = signs_of_differences(means, errors, counts, tests=tests)
    return pd.DataFrame({"trial": other_trials, **signs}).astype("int64")


def _pairs(first: Sequence[Outcome], second: Sequence[Outcome]) -> Iterator[tuple[Outcome, Outcome]]:
    """The outcomes of two trials' replicates on the same split, where both finished."""
    return ((a, b) for a, b in zip(first, second, strict=True) if a["final"] and b["final"])


def _validation_difference(pairs: Pairs) -> Difference:
    """The mean difference of validation accuracies over splits of the same images."""
    if len(pairs) < 2:
        return 0.0, 0.0, len(pairs)
    differences = np.array([val_acc(first) - val_acc(second) for first, second in pairs])
    deviation = round(float(differences.std(ddof=1)), 9)  # exactly 0 if all are equal
    error = standard_error_over_splits(deviation, len(pairs), split_ratio(pairs[0][0]))
    return float(differences.mean()), error, len(pairs)


def _held_out_difference(pairs: Pairs, t: Labels) -> Difference:
    """The mean difference of accuracies on the held-out images, the same for all networks."""
    if len(pairs) < 2:
        return 0.0, 0.0, len(pairs)
    first, second = (held_out_scores(networks, t) for networks in zip(*pairs, strict=True))
    return *first.difference(second), len(pairs)


def curves(replicates: Replicates, trial: int | None) -> pd.DataFrame:
    """The learning curves of all replicates of a trial, a row for each evaluation; `epoch` counts from 1."""
    rows = [
        (number, epoch, train, val)
        for number, outcome in enumerate(outcomes(replicates, trial), start=1)
        for epoch, train, val in curve_points(outcome["curve"])
    ]
    return pd.DataFrame(rows, columns=["repeat", "epoch", "train_acc", "val_acc"])


def metrics(confirmed: pd.DataFrame, linear: Mapping[str, float]) -> dict[str, float | int | None]:
    """The replication in a few numbers, for `dvc metrics diff`: the scores of the confirmed best, the
    selection bias of Best-1, and the score of the linear model; null for what does not exist."""
    rows = {row["trial"]: row for row in confirmed.to_dict("records")}
    best = rows.get(confirmed_best(confirmed), {})
    best_1 = next(iter(rows.values()), {})
    names = ("trial", "repeats", "val_mean", "val_sd", "held_out", "held_out_low", "held_out_high")
    values = {name: best.get(name) for name in names}
    values |= {"luck_of_best_1": best_1.get("luck"), "linear_held_out": linear["held_out"]}
    return {name: None if value is None or math.isnan(value) else value for name, value in values.items()}
