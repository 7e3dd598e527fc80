"""What the replicates of a trial mistake among the held-out images, as tables."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zdl.analysis.outcomes import Labels, Replicates, outcomes, taken_for
from zdl.artifacts.schemas import CLASSES
from zdl.search.replicates import answers

MISTAKES = ("image", "digit", "taken_for", "wrong", "repeats", "confidence")


def confusion(replicates: Replicates, trial: int | None, t: Labels) -> NDArray[np.float64]:
    """Of the held-out images of each class (row), the share that a trial's replicates take for each (column):
    a mean over those that finished, (CLASSES, CLASSES), or (0, 0) if none did."""
    taken = [taken_for(outcome) for outcome in outcomes(replicates, trial) if outcome["final"]]
    if not taken:
        return np.zeros((0, 0))
    counts = np.zeros((CLASSES, CLASSES), int)
    for each in taken:
        np.add.at(counts, (t, each), 1)
    shares: NDArray[np.float64] = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return shares


def mistakes(replicates: Replicates, trial: int | None, t: Labels, most: int = 20) -> pd.DataFrame:
    """The held-out images that the replicates of a trial are most surely wrong about, the surest first.

    That is the mean over all replicates of the probability of a wrong answer (0 for a right one). Columns:
    `image`, its place; `digit`, what it is; `taken_for`, the commonest wrong answer; `wrong` of `repeats`
    give a wrong one; `confidence`, the mean probability that these give theirs.
    """
    finished = [outcome for outcome in outcomes(replicates, trial) if outcome["final"]]
    if not finished:
        return pd.DataFrame(columns=MISTAKES)
    taken = np.array([taken_for(outcome) for outcome in finished])
    percent = np.array([answers(outcome["held_out"]["confidence"]) for outcome in finished]).astype(int)
    wrong = taken != t
    surest = np.argsort(-(percent * wrong).sum(axis=0), kind="stable")[:most]
    rows = [
        (
            int(image),
            int(t[image]),
            int(np.bincount(taken[wrong[:, image], image]).argmax()),
            int(wrong[:, image].sum()),
            len(finished),
            round(float(percent[wrong[:, image], image].mean()) / 100, 2),
        )
        for image in surest
        if wrong[:, image].any()
    ]
    return pd.DataFrame(rows, columns=MISTAKES)
