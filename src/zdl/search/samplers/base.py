"""What a sampler is: of the settings under `search` it makes points to try, and it learns from what came of
them if it can."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

Point = Mapping[str, Any]  # a hyper-parameter's name -> its value in a trial
History = Sequence[tuple[Point, float | None]]  # points in the order proposed, and their scores


class Proposal(NamedTuple):
    """A point to try. `number` is its trial's, where a stream of that number made the point; a point that
    has no stream is numbered by its values (`zdl.search.plan.enroll`)."""

    point: dict[str, Any]
    number: int | None = None


class Sampler(Protocol):
    """A way to search. What it proposes is a function of the settings and of `history`, and of nothing else:
    every draw comes from generators keyed by `search.seed`.
    """

    @property
    def size(self) -> int | None:
        """The number of points that there are in all, None if there is no end of them."""

    @property
    def batch(self) -> int | None:
        """So many points are proposed at a time, each time after the scores of all before them; None: all at
        once, it learns nothing."""

    def __init__(self, search: Mapping[str, Any]) -> None: ...

    def propose(self, history: History, n: int) -> list[Proposal]:
        """The next `n` points after those of `history`, fewer if no more are left, or if more cannot be told
        before the scores of these; each holds its values in the order of `search.space`.

        `history` is every earlier proposal of this search, in that order (in whichever order their trials
        finished), each with its score: the validation accuracy that ranks it, None if its trial diverged.
        A value that played no part in a trial is left out of its point.
        """
        ...
