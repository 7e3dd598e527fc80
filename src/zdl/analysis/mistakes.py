"""The mistakes of a trial's replicates on the held-out rows, as tables; in regression, their errors."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zdl import Error
from zdl.analysis.outcomes import Labels, Replicates, held_out_answers, outcomes
from zdl.data.answers import from_hex

MISTAKES = ("row", "label", "taken_for", "wrong", "repeats", "confidence")
ERRORS = ("row", "label", "answer", "error")


def confusion(replicates: Replicates, trial: int | None, t: Labels, classes: int) -> NDArray[np.float64]:
    """The confusion matrix (classes, classes): of the held-out rows of each class (row), the share that a
    trial's replicates take for each class (column). A mean over replicates that finished; (0, 0) if none."""
    finished = [outcome for outcome in outcomes(replicates, trial) if outcome["final"]]
    answers = [held_out_answers(outcome, t) for outcome in finished] if classes else []
    if not answers:
        return np.zeros((0, 0))
    counts = np.zeros((classes, classes), int)
    for answer in answers:
        if answer.max(initial=0) >= classes:
            raise Error(
                f"results/replicates: an answer is class {answer.max()} of {classes}; make them again"
            )
        np.add.at(counts, (t, answer), 1)
    shares: NDArray[np.float64] = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return shares


def mistakes(replicates: Replicates, trial: int | None, t: Labels, most: int = 20) -> pd.DataFrame:
    """The held-out rows that a trial's replicates answer wrongly with the greatest confidence, at most
    `most`.

    They are sorted by the probability of the wrong answer (0 for a right one), a mean over the replicates.
    Columns: `row`, its place; `label`, its class; `taken_for`, the commonest wrong answer; `wrong`, how many
    of the `repeats` replicates are wrong; `confidence`, the mean probability of their wrong answers.
    """
    finished = [outcome for outcome in outcomes(replicates, trial) if outcome["final"]]
    if not finished:
        return pd.DataFrame(columns=MISTAKES)
    answers = np.array([held_out_answers(outcome, t) for outcome in finished])
    confidences = np.array([from_hex(outcome["held_out"]["confidence"]) for outcome in finished]).astype(int)
    wrong = answers != t
    places = np.argsort(-(confidences * wrong).sum(axis=0), kind="stable")[:most]
    rows = [
        (
            int(row),
            int(t[row]),
            int(np.bincount(answers[wrong[:, row], row]).argmax()),
            int(wrong[:, row].sum()),
            len(finished),
            round(float(confidences[wrong[:, row], row].mean()) / 100, 2),
        )
        for row in places
        if wrong[:, row].any()
    ]
    return pd.DataFrame(rows, columns=MISTAKES)


def mean_answers(replicates: Replicates, trial: int | None) -> NDArray[np.float64]:
    """In regression, the mean answers (n,) of a trial's replicates to the held-out rows, to 6 digits; (0,) if
    none finished."""
    answers = [outcome["held_out"]["answers"] for outcome in outcomes(replicates, trial) if outcome["final"]]
    return np.array([float(f"{mean:.6g}") for mean in np.mean(answers, axis=0)] if answers else [])


def errors(replicates: Replicates, trial: int | None, t: Labels, most: int = 20) -> pd.DataFrame:
    """The held-out rows on which the mean answer of a trial's replicates is furthest from the label, at most
    `most`. Columns: `row`, its place; `label`; `answer`, the mean; `error`, the answer less the label."""
    answers = mean_answers(replicates, trial)
    residuals = answers - t if len(answers) else np.zeros(0)
    places = np.argsort(-abs(residuals), kind="stable")[:most]
    rows = [(int(row), float(t[row]), float(answers[row]), float(f"{residuals[row]:.6g}")) for row in places]
    return pd.DataFrame(rows, columns=ERRORS)


def deviations(
    x: NDArray[np.float64], rows: Sequence[int], columns: Sequence[str], most: int = 2
) -> list[list[tuple[str, float, float]]]:
    """The columns in which each of these rows of a table x (n, columns) is furthest from the column's mean:
    the column's name, the row's value, and the difference in standard deviations. Columns without names are
    numbered, and a missing value counts as the mean."""
    x = x.reshape(len(x), -1).astype(np.float64)
    values = np.where(np.isnan(x), np.nanmean(np.where(np.isnan(x).all(axis=0), 0.0, x), axis=0), x)
    deviation = values.std(axis=0)
    scores = np.round((values - values.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0), 1)
    names = columns if len(columns) else [f"column {place}" for place in range(x.shape[1])]
    return [
        [
            (str(names[place]), float(values[row, place]), float(scores[row, place]))
            for place in np.argsort(-abs(scores[row]), kind="stable")[:most]
            if scores[row, place]
        ]
        for row in rows
    ]
