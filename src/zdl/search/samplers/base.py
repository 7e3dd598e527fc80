"""What a sampler is: from the settings under `search` and the scores so far, it proposes points to try."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

Point = Mapping[str, Any]  # the name of each hyper-parameter -> its value in a trial
History = Sequence[tuple[Point, float | None]]  # points in the order proposed, each with its score


class Proposal(NamedTuple):
    """A point to try.

    `number` is the number of its trial, if the point comes from a random stream of that number. Other points
    are numbered by their values (`zdl.search.plan.trials_at`).
    """

    point: dict[str, Any]
    number: int | None = None


class Sampler(Protocol):
    """A way to search.

    Proposals are a function of the settings and of `history` alone: every random draw comes from a generator
    that `search.seed` keys.
    """

    @property
    def size(self) -> int | None:
        """The number of all its points; None if it has no end."""

    def __init__(self, search: Mapping[str, Any]) -> None: ...

    def propose(self, history: History, n: int) -> list[Proposal]:
        """The next `n` points after those of `history`, each with its values in the order of `search.space`.

        There are fewer at the end of a round, or if no more points are left. `history` is every earlier
        proposal of this search, in the order proposed (trials may finish in any order), with its score: the
        validation accuracy that ranks it, or None if its trial diverged. A point lacks the values that play
        no part in its trial.
        """
        ...


class Learner(Sampler, Protocol):
    """A sampler that learns from scores, in rounds."""

    @property
    def unused(self) -> Collection[str]:
        """The settings under `search` that change no round."""

    @property
    def rounds(self) -> Sequence[int]:
        """The number of points in each round. A round needs the scores of all rounds before it."""

    def planned(self, number: int, trial: int, point: Point) -> Proposal:
        """What round `number` proposed, by the number and the point of the trial in its file. A ValueError
        or KeyError, if that can be no proposal of it."""
        ...
