"""The protocol of samplers.

A sampler proposes points to try, from the settings under `search` and the scores so far.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

Point = Mapping[str, Any]  # the name of each hyper-parameter -> its value in a trial
History = Sequence[tuple[Point, float | None]]  # points in the order proposed, each with its score


class Proposal(NamedTuple):
    """A point to try.

    `number` is the number of its trial, if the point comes from a random stream with that number. Other
    points are numbered by their values (`zdl.search.plan.trials_at`).
    """

    point: dict[str, Any]
    number: int | None = None


class Sampler(Protocol):
    """A way to search.

    Its proposals depend only on the settings and on `history`. Every random draw comes from a generator
    seeded with `search.seed`.
    """

    @property
    def size(self) -> int | None:
        """The number of points; None if there is no limit."""

    def __init__(self, search: Mapping[str, Any]) -> None: ...

    def propose(self, history: History, n: int) -> list[Proposal]:
        """The next `n` points after those of `history`, each with its values in the order of `search.space`.

        There are fewer at the end of a round, or if no more points are left. `history` has every earlier
        proposal of this search, in the order proposed (trials may finish in any order), with the validation
        score that ranks it, or None if its trial diverged. A point lacks the values that play no part in its
        trial.
        """
        ...


class Learner(Sampler, Protocol):
    """A sampler that learns from scores, in rounds."""

    @property
    def unused(self) -> Collection[str]:
        """The settings under `search` that do not affect any round."""

    @property
    def rounds(self) -> Sequence[int]:
        """The number of points in each round. A round needs the scores of all rounds before it."""

    def planned(self, number: int, trial: int, point: Point) -> Proposal:
        """The proposal of round `number`, from the number and the point of a trial in its file.

        Raises ValueError or KeyError if the round cannot have proposed it.
        """
        ...
