"""What survived: the best trials' repeats, and the held-out images, as tables.

A search picks the greatest of many noisy scores, so the one it picks is most likely one that luck was good
to: *the winner's curse*. Here each of the best stands beside what it scored again, with other weights,
batches and images to train on, and beside what those networks recognise of images that the search never saw.

`confirmation` is, throughout, the contents of the files of repeats in the order of ranks, and `t` the labels
(n,) of the held-out images.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean, stdev
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zdl.analysis.statistics import crossed, crossed_error, interval, resampled, sides, wilson
from zdl.artifacts.schemas import CLASSES, unpacked
from zdl.search.replicates import answers

Outcome = Mapping[str, Any]
Confirmation = Sequence[Mapping[str, Any]]
Labels = NDArray[np.uint8]
CONFIRMED = (
    "rank", "trial", "val_acc", "low", "high", "repeats", "diverged", "val_mean", "val_sd",
    "luck", "luck_low", "luck_high", "held_out", "held_out_low", "held_out_high", "gap",
)  # fmt: skip


def confirmed(confirmation: Confirmation, ranking: pd.DataFrame, t: Labels, val_images: int) -> pd.DataFrame:
    """A row for each of the best trials (columns: CONFIRMED), in the order of the ranking.

    `val_acc` is the score that the search found, `low` and `high` its 95 % interval (Wilson) on `val_images`
    images. Of those `repeats` that finished: mean and standard deviation (n - 1; blank for one) of the
    validation accuracy, and of the share of the held-out images that they recognise the mean and its 95 %
    interval (`zdl.analysis.statistics.crossed`).

    `luck` is `val_acc` less `val_mean`, on images that are alike: the winner's curse, with its 95 % interval
    by how far the mean of the repeats may be off (`zdl.analysis.statistics.resampled`; blank for one). `gap`
    is `val_acc` less `held_out`, and has in it besides how much harder the held-out images are: what a linear
    model, which no search picked, loses from the one to the other.
    """
    rows = []
    found = {row["trial"]: row for row in ranking[["rank", "trial", "val_acc"]].to_dict("records")}
    for contents in confirmation:
        if contents["trial"] is None:
            continue
        outcomes = [record["outcome"] for record in contents["replicates"]]
        finished = [outcome for outcome in outcomes if outcome["final"]]
        val_acc = found[contents["trial"]]["val_acc"]
        again = _spread([_val_acc(outcome) for outcome in finished])
        held_out = _survived(np.array([_right(outcome, t) for outcome in finished]))
        rows.append(
            (
                found[contents["trial"]]["rank"],
                contents["trial"],
                val_acc,
                *(round(end, 6) for end in wilson(round(val_acc * val_images), val_images)),
                len(finished),
                len(outcomes) - len(finished),
                *again,
                *_luck(val_acc, again, finished),
                *held_out,
                _less(val_acc, held_out[0]),
            )
        )
    return pd.DataFrame(rows, columns=CONFIRMED)


def again(confirmation: Confirmation, ranking: pd.DataFrame, t: Labels) -> pd.DataFrame:
    """A row for each repeat: rank and number of its trial, its own number from 1, whether it finished, and if
    so its accuracies on validation and held-out images."""
    found = ranking.set_index("trial")["rank"]
    rows = [
        (
            found[contents["trial"]],
            contents["trial"],
            number,
            record["outcome"]["status"],
            _val_acc(record["outcome"]) if finished else None,
            round(float(_right(record["outcome"], t).mean()), 6) if finished else None,
        )
        for contents in confirmation
        for number, record in enumerate(contents["replicates"], start=1)
        for finished in [record["outcome"]["final"]]
    ]
    frame = pd.DataFrame(rows, columns=["rank", "trial", "repeat", "status", "val_acc", "held_out"])
    return frame.astype({"val_acc": "float64", "held_out": "float64"})


def survivor(confirmed: pd.DataFrame) -> int | None:
    """The number of the trial that the repeats confirm as the best: most of them finished, and their mean
    validation accuracy is the greatest. Held-out images have no part in that, or they would be no judge."""
    finished = confirmed[confirmed["repeats"] > 0]
    if finished.empty:
        return None
    order = finished.sort_values(
        ["diverged", "val_mean", "rank"], ascending=[True, False, True], kind="stable"
    )
    return int(order["trial"].iloc[0])


def rivals(confirmation: Confirmation, trial: int | None, t: Labels) -> pd.DataFrame:
    """How `trial` compares with each other that was trained again, in the order of ranks. Columns: `trial`,
    the other; `val` and `held_out`, by which images: 1 if `trial` recognises more of them, -1 if fewer, 0 if
    they cannot be told apart (`zdl.analysis.statistics.sides`, over all others).

    That is in pairs, network by network on the same split, and on held-out images image by image as well
    (`zdl.analysis.statistics.crossed_error`); validation images are others in each split, drawn from the same
    few hundred (`zdl.analysis.statistics.resampled`). `trial` was chosen by its validation scores
    (`survivor`), so that only the held-out images are a fair judge. They judge networks that learn from these
    images: other training images might order the trials otherwise.
    """
    records = {contents["trial"]: contents for contents in confirmation if contents["trial"] is not None}
    others = [other for other in records if trial is not None and other != trial]
    val, held_out = [], []
    for other in others:
        pairs = list(_pairs(records[trial], records[other]))
        if len(pairs) < 2:  # which tell nothing
            val.append((0.0, 0.0, len(pairs)))
            held_out.append(val[-1])
            continue
        scores = np.array([_val_acc(one) - _val_acc(two) for one, two in pairs])
        deviation = round(float(scores.std(ddof=1)), 9)  # of equal differences: none
        val.append((float(scores.mean()), resampled(deviation, len(pairs), _ratio(pairs[0][0])), len(pairs)))
        hits = np.array([_right(one, t).astype(int) - _right(two, t) for one, two in pairs])
        held_out.append((float(hits.mean()), crossed_error(hits), len(pairs)))
    judged = {"val": val, "held_out": held_out}
    signs = {name: sides(*zip(*rows, strict=True)) if rows else [] for name, rows in judged.items()}
    return pd.DataFrame({"trial": others, **signs}).astype("int64")


def _pairs(one: Mapping[str, Any], two: Mapping[str, Any]) -> Iterator[tuple[Outcome, Outcome]]:
    """The outcomes of two trials' repeats on the same split, where both finished."""
    for first, second in zip(one["replicates"], two["replicates"], strict=True):
        if first["outcome"]["final"] and second["outcome"]["final"]:
            yield first["outcome"], second["outcome"]


def beside_linear(
    confirmation: Confirmation, trial: int | None, t: Labels, baseline: Mapping[str, Any]
) -> dict[str, float]:
    """How much more of the held-out images a trial's networks recognise than linear models (the contents of
    their file) on the same splits: `apart`, and its 95 % interval `apart_low` to `apart_high`, blank for one
    split (`zdl.analysis.statistics.crossed_error`, of the differences image by image). Empty without a
    trial."""
    fits = zip(baseline["replicates"], _outcomes(confirmation, trial), strict=False)
    pairs = [(fit, outcome) for fit, outcome in fits if outcome["final"]]
    if not pairs:
        return {}
    hits = np.array([_right(outcome, t).astype(int) - _linear(fit) for fit, outcome in pairs])
    apart = float(hits.mean())
    return _named("apart", apart, interval(apart, crossed_error(hits), len(hits), (-1, 1)))


def curves(confirmation: Confirmation, trial: int | None) -> pd.DataFrame:
    """The learning curves of all repeats of a trial, a row for each evaluation; `epoch` counts from 1."""
    rows = [
        (number, epoch, train / curve["train_size"], val / curve["val_size"])
        for number, outcome in enumerate(_outcomes(confirmation, trial), start=1)
        for curve in [outcome["curve"]]
        for epoch, (train, val) in enumerate(
            zip(curve["train_correct"], curve["val_correct"], strict=True), start=1
        )
    ]
    return pd.DataFrame(rows, columns=["repeat", "epoch", "train_acc", "val_acc"])


def confusion(confirmation: Confirmation, trial: int | None, t: Labels) -> NDArray[np.float64]:
    """Of the held-out images of each class (row), the share that a trial's repeats take for each (column): a
    mean over those that finished, (CLASSES, CLASSES), or (0, 0) if none did."""
    taken = [_taken_for(outcome) for outcome in _outcomes(confirmation, trial) if outcome["final"]]
    if not taken:
        return np.zeros((0, 0))
    counts = np.zeros((CLASSES, CLASSES), int)
    for each in taken:
        np.add.at(counts, (t, each), 1)
    shares: NDArray[np.float64] = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return shares


def mistakes(confirmation: Confirmation, trial: int | None, t: Labels, most: int = 20) -> pd.DataFrame:
    """The held-out images that the repeats of a trial are most surely wrong about, the surest first.

    That is the mean over all repeats of the probability of a wrong answer (0 for a right one). Columns:
    `image`, its place; `digit`, what it is; `taken_for`, the commonest wrong answer; `wrong` of `repeats`
    give a wrong one; `confidence`, the mean probability that these give theirs.
    """
    outcomes = [outcome for outcome in _outcomes(confirmation, trial) if outcome["final"]]
    columns = ["image", "digit", "taken_for", "wrong", "repeats", "confidence"]
    if not outcomes:
        return pd.DataFrame(columns=columns)
    taken = np.array([_taken_for(outcome) for outcome in outcomes])
    percent = np.array([answers(outcome["held_out"]["confidence"]) for outcome in outcomes]).astype(int)
    wrong = taken != t
    surest = np.argsort(-(percent * wrong).sum(axis=0), kind="stable")[:most]
    rows = [
        (
            int(image),
            int(t[image]),
            int(np.bincount(taken[wrong[:, image], image]).argmax()),
            int(wrong[:, image].sum()),
            len(outcomes),
            round(float(percent[wrong[:, image], image].mean()) / 100, 2),
        )
        for image in surest
        if wrong[:, image].any()
    ]
    return pd.DataFrame(rows, columns=columns)


def baseline(contents: Mapping[str, Any]) -> dict[str, float]:
    """The linear model as `confirmed` tells the trials: `val_acc` on the search's split, `val_mean` and
    `val_sd` on those of the repeats, and `held_out` with its interval. `loss` is `val_mean` less `held_out`:
    how much harder the held-out images are, as no search picked this model; its 95 % interval `loss_low` to
    `loss_high` (blank for one split) is from the errors of both."""
    fits = contents["replicates"]
    scores = [fit["val_correct"] / fit["val_size"] for fit in fits]
    hits = np.array([_linear(fit) for fit in fits])
    val_mean, val_sd = _spread(scores)
    held_out, low, high = _survived(hits)
    ratio = fits[0]["val_size"] / fits[0]["train_size"]
    loss, error = val_mean - held_out, math.hypot(resampled(val_sd, len(fits), ratio), crossed_error(hits))
    return {
        "val_acc": contents["search"]["val_correct"] / contents["search"]["val_size"],
        "val_mean": val_mean,
        "val_sd": val_sd,
        "held_out": held_out,
        "held_out_low": low,
        "held_out_high": high,
        **_named("loss", loss, interval(loss, error, len(fits), (-1, 1))),
    }


def metrics(confirmed: pd.DataFrame, baseline: Mapping[str, float]) -> dict[str, float | int | None]:
    """The confirmation in a few numbers, for `dvc metrics diff`: what is left of the confirmed best, how far
    the score of Best-1 was too good, and the linear model; null where there is none."""
    rows = {row["trial"]: row for row in confirmed.to_dict("records")}
    best = rows.get(survivor(confirmed), {})
    first = next(iter(rows.values()), {})
    names = ("trial", "repeats", "val_mean", "val_sd", "held_out", "held_out_low", "held_out_high")
    told = {name: best.get(name) for name in names}
    told |= {"luck_of_best_1": first.get("luck"), "linear_held_out": baseline["held_out"]}
    return {name: None if value is None or math.isnan(value) else value for name, value in told.items()}


def _outcomes(confirmation: Confirmation, trial: int | None) -> list[Outcome]:
    return [
        record["outcome"]
        for contents in confirmation
        if trial is not None and contents["trial"] == trial
        for record in contents["replicates"]
    ]


def _taken_for(outcome: Outcome) -> Labels:
    return answers(outcome["held_out"]["taken_for"])


def _right(outcome: Outcome, t: Labels) -> NDArray[np.bool_]:
    """Which held-out images a network recognises, (n,)."""
    right: NDArray[np.bool_] = _taken_for(outcome) == t
    return right


def _linear(fit: Mapping[str, Any]) -> NDArray[np.bool_]:
    """Which held-out images a linear model recognises, (n,)."""
    return unpacked(fit["held_out_hits"], fit["held_out_size"])


def _val_acc(outcome: Outcome) -> float:
    """The score that a trial is ranked by."""
    score: float = outcome["curve"]["val_correct"][-1] / outcome["curve"]["val_size"]
    return score


def _ratio(outcome: Outcome) -> float:
    """Validation images for each training image."""
    return float(outcome["curve"]["val_size"] / outcome["curve"]["train_size"])


def _spread(scores: Sequence[float]) -> tuple[float, float]:
    """Mean and standard deviation, NaN where there is none."""
    mean = round(fmean(scores), 6) if scores else math.nan
    return mean, round(stdev(scores), 6) if len(scores) > 1 else math.nan


def _luck(
    found: float, again: tuple[float, float], finished: Sequence[Outcome]
) -> tuple[float, float, float]:
    """What was found less the mean of what was scored again, with its interval (a mean is a share)."""
    mean, deviation = again
    low = high = math.nan
    if finished:
        error = resampled(deviation, len(finished), _ratio(finished[0]))
        low, high = interval(mean, error, len(finished))
    return _less(found, mean), _less(found, high), _less(found, low)


def _less(found: float, left: float) -> float:
    """What was found, less what is left of it; a nothing has no sign."""
    return round(found - left, 6) + 0.0


def _named(name: str, value: float, ends: tuple[float, float]) -> dict[str, float]:
    """A difference and its interval under their names, rounded; a nothing has no sign."""
    columns = zip((name, f"{name}_low", f"{name}_high"), (value, *ends), strict=True)
    return {column: round(each, 6) + 0.0 for column, each in columns}


def _survived(hits: NDArray[np.bool_]) -> tuple[float, float, float]:
    """The mean of hits (networks, images) and its 95 % interval, NaN without any."""
    if not hits.size:
        return math.nan, math.nan, math.nan
    mean, low, high = crossed(hits)
    return round(mean, 6), round(low, 6), round(high, 6)
