"""Rungs: the epochs of a search that stops trials early, and how well early scores predict final ones."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from zdl.search.curves import scores
from zdl.search.samplers import HALVINGS
from zdl.search.samplers.halving import lengths

Trials = Sequence[Mapping[str, Any]]


class Rung(NamedTuple):
    """The trials that reached a number of epochs."""

    epochs: int
    trials: int
    stopped: int  # of these, after this many epochs
    best: float  # validation score here
    least: float | None  # of the trials that went on; None if none did
    pairs: int  # of trials that were trained in full, and differ both here and at the end
    same: int  # pairs in the same order here and at the end


def rungs(trials: Trials, search: Mapping[str, Any]) -> list[Rung]:
    """The rungs of a search, from its trials that finished; none if the method stops no trial."""
    if search["method"] not in HALVINGS:
        return []
    finished = [trial for trial in trials if trial["outcome"]["status"] == "finished"]
    rows = []
    for epochs in lengths(search["min_epochs"], search["epochs"], search["eta"]):
        entrants = [trial for trial in finished if trial["epochs"] >= epochs]
        if not entrants:
            break
        survivors = [_score(trial, epochs) for trial in entrants if trial["epochs"] > epochs]
        full_trials = [trial for trial in entrants if trial["epochs"] == search["epochs"]]
        pairs = [
            (a[0] > b[0]) == (a[1] > b[1])
            for a, b in itertools.combinations([(_score(t, epochs), _score(t)) for t in full_trials], 2)
            if a[0] != b[0] and a[1] != b[1]
        ]
        best = max(_score(trial, epochs) for trial in entrants)
        rows.append(
            Rung(
                epochs,
                len(entrants),
                len(entrants) - len(survivors),
                best,
                min(survivors, default=None),
                len(pairs),
                sum(pairs),
            )
        )
    return rows


def epochs_spent(trials: Trials, search: Mapping[str, Any]) -> tuple[int, int]:
    """The epochs of all trials, and how many there would be if none had been stopped."""
    return sum(trial["epochs"] for trial in trials), search["epochs"] * len(trials)


def _score(trial: Mapping[str, Any], epochs: int | None = None) -> float:
    """The validation score of a trial after so many epochs; by default, at its end."""
    return scores(trial["outcome"]["curve"], "val")[:epochs][-1]
