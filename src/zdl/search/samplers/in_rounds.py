"""The base class of samplers that learn from scores in rounds of `search.batch` points."""

from collections.abc import Mapping
from typing import Any

from zdl.search.distributions import holds
from zdl.search.samplers.base import History, Point, Proposal
from zdl.search.samplers.random import Random


class InRounds:
    """The first round is that of the random search. A subclass proposes the others in `_round`."""

    size = None
    unused = ("trials", "eta", "min_epochs")

    def __init__(self, search: Mapping[str, Any]) -> None:
        self.search, self.declarations = search, search["hyperparameters"]
        self.space, self.seed, self.batch = search["space"], search["seed"], search["batch"]
        self.first = Random(search)

    @property
    def rounds(self) -> list[int]:
        return [self.batch] * -(-self.search["trials"] // self.batch)

    def planned(self, number: int, trial: int, point: Point) -> Proposal:
        """The proposal of a point in a round's file. Raises an error if the space lacks it."""
        for name in point:
            if not holds(self.space[name], point[name]):
                raise ValueError(f"{name} cannot be {point[name]}")
        return Proposal(dict(point))

    def propose(self, history: History, n: int) -> list[Proposal]:
        """The next `n` points, or fewer at the end of the round."""
        number, proposed = divmod(len(history), self.batch)
        n = min(n, self.batch - proposed)
        if number == 0:
            return self.first.propose(history, n)
        scored, pending = history[: number * self.batch], history[number * self.batch :]
        points = self._round(number, scored, [point for point, _ in pending], n)
        return [Proposal(point) for point in points]

    def _round(self, number: int, scored: History, pending: list[Point], n: int) -> list[dict[str, Any]]:
        """The next `n` points of a round, after its points that are pending.

        `scored` is the history of the earlier rounds. The scores of the pending points do not count.
        """
        raise NotImplementedError
