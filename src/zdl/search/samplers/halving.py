"""Successive halving and Hyperband: all trials are trained for a few epochs, and the best of them for more.

A rung is a round in which all trials have the same number of epochs. The best 1 / eta of them go on to the
next rung, which has eta times the epochs, up to `training.epochs` (K. Jamieson and A. Talwalkar,
"Non-stochastic Best Arm Identification and Hyperparameter Optimization", 2016). A trial that goes on is the
same trial with more epochs: it keeps its number and its seed, and continues from its checkpoint.

Early scores may mislead. So Hyperband (L. Li et al., "Hyperband", JMLR 18, 2018) divides the trials into
brackets. The first bracket begins with `min_epochs`, each later one begins a rung later and has fewer trials,
and the last one trains its trials in full. All brackets have about the same number of epochs in total.

Points are those of the random search: a trial has the same point as the random trial of its number.
"""

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from zdl.search.samplers.base import History, Point, Proposal
from zdl.search.samplers.random import Random


class Halving:
    """One bracket with all trials."""

    size = None
    unused = ("batch",)

    def __init__(self, search: Mapping[str, Any]) -> None:
        self.random, self.eta = Random(search), search["eta"]
        self.lengths = lengths(search["min_epochs"], search["epochs"], self.eta)
        self.bracket = self._brackets(search["trials"])
        self.rungs = [self._rung(number) for number in range(len(self.lengths))]
        self.rounds = [sum(rung.values()) for rung in self.rungs]

    def _brackets(self, trials: int) -> list[int]:
        """The bracket of each trial. Bracket b begins with the epochs of rung b."""
        return [0] * trials

    def _rung(self, number: int) -> dict[int, int]:
        """The number of trials of each bracket in a rung. A bracket that begins later has fewer rungs."""
        trials = {bracket: self.bracket.count(bracket) for bracket in sorted({*self.bracket})}
        return {
            bracket: max(1, count // self.eta**number)
            for bracket, count in trials.items()
            if bracket + number < len(self.lengths)
        }

    def propose(self, history: History, n: int) -> list[Proposal]:
        """The next `n` points, or fewer at the end of the rung, in the order of the trials' numbers."""
        scores = [score for _, score in history]
        for number, end in enumerate(accumulate(self.rounds)):
            if len(scores) < end:
                start = end - self.rounds[number]
                trials = self._alive(number, scores[:start])[len(scores) - start :]
                return [self.planned(number, trial) for trial in trials[:n]]
        return []

    def _alive(self, number: int, scores: Sequence[float | None]) -> list[int]:
        """The trials that are still trained in a rung, from the scores of all rungs before it."""
        trials = list(range(len(self.bracket)))
        for rung in self.rungs[1 : number + 1]:
            score_of, scores = dict(zip(trials, scores, strict=False)), scores[len(trials) :]
            trials = sorted(
                trial
                for bracket, size in rung.items()
                for trial in best({t: score_of[t] for t in trials if self.bracket[t] == bracket}, size)
            )
        return trials

    def planned(self, number: int, trial: int, point: Point | None = None) -> Proposal:
        """The proposal of a trial in a rung. Its point follows from its number."""
        if trial not in range(len(self.bracket)):
            raise ValueError(f"there is no trial {trial}")
        epochs = self.lengths[self.bracket[trial] + number]
        return Proposal({**self.random.point(trial), "epochs": epochs}, trial)


class Hyperband(Halving):
    """A bracket for each rung that trials can begin with."""

    def _brackets(self, trials: int) -> list[int]:
        """The bracket of each trial: the one that is furthest behind its share.

        So a trial's bracket follows from its number, and more trials are appended.
        """
        last = len(self.lengths) - 1
        shares = [self.eta**rungs / (rungs + 1) for rungs in range(last, -1, -1)]
        due, brackets = [0.0] * len(shares), []
        for _ in range(trials):
            due = [each + share / sum(shares) for each, share in zip(due, shares, strict=True)]
            brackets.append(due.index(max(due)))
            due[brackets[-1]] -= 1
        return brackets


def lengths(min_epochs: int, max_epochs: int, eta: int) -> list[int]:
    """The epochs of each rung: `min_epochs`, eta times as many, and so on, and at last `max_epochs`."""
    rungs = []
    while min_epochs < max_epochs:
        rungs.append(min_epochs)
        min_epochs *= eta
    return [*rungs, max_epochs]


def best(scores: Mapping[int, float | None], count: int) -> list[int]:
    """The `count` trials with the best scores; equal ones by number, and diverged ones last."""
    return sorted(scores, key=lambda trial: (scores[trial] is None, -(scores[trial] or 0), trial))[:count]
