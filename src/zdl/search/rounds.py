"""Rounds: a search that learns proposes points once all trials of earlier rounds have scores.

The number of trials is known before anything runs, and so is all that determines them. Only their points are
not. So a trial of a later round is named by its place and a digest of the whole search, and the file of its
round gives its point, as the plan does for the first round. The digest of a Bayesian search leaves out the
number of trials, and a round's file always has a whole batch, so more trials are appended. The rungs of a
search that stops trials early are rounds, too.

Such a name identifies a trial as well as one that follows from its point, since the same search always
proposes the same points. A round's file also holds a digest of the history that it is based on. If the
records change, the digest shows it.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Any

from zdl.artifacts.encoding import decode_json, digest, sealed_json
from zdl.config.space import shared
from zdl.data.scores import Score
from zdl.search.curves import last_score
from zdl.search.plan import plan_lines, trials_at
from zdl.search.samplers import LEARNERS, History, Point, Proposal, learner
from zdl.search.trial import Code, Trial


class Round:
    """A round after the first; `number` counts from 1.

    digest    the digest of all that determines the contents of its file
    name      the name of its file
    names     the names of its trials, which do not depend on their points
    start     the place of its first trial among those of all rounds
    previous  the same for the round before
    """

    def __init__(
        self, settings: Mapping[str, Any], split: str, *, train: str, code: Code, search: str, number: int
    ) -> None:
        self.settings, self.split, self.number = settings, split, number
        self.train, self.code = train, code
        self.sampler = learner(settings["search"])
        self.previous, self.start, end = [0, *accumulate(self.sampler.rounds)][number - 1 : number + 2]
        places = range(self.start, end)
        self.names = [f"{place:04d}-{digest([search, place])[:12]}" for place in places]
        # The file lists values in the order of the space, which no trial depends on.
        self.digest = digest([search, number, list(settings["search"]["space"])])
        self.name = f"{number:04d}-{self.digest[:12]}"

    def trials(self, proposals: Iterable[Proposal], earlier: Iterable[Trial]) -> list[Trial]:
        """The trials at the proposed points; `earlier` are all trials of the rounds before this one."""
        trials = trials_at(self.settings, self.split, proposals, earlier, train=self.train, code=self.code)
        return [Trial(t.number, t.point, t.spec, name) for t, name in zip(trials, self.names, strict=True)]

    def contents(self, trials: Iterable[Trial], history: str) -> dict[str, Any]:
        """The contents of its file: a line for each trial, as in the plan, and the digest of the history."""
        return {"digest": self.digest, "history": history, **plan_lines(trials)}

    def trials_in(self, contents: Mapping[str, Any], earlier: Iterable[Trial]) -> list[Trial]:
        """The trials that the contents of its file describe."""
        lines = [contents[name] for name in self.names]
        return self.trials(
            [self.sampler.planned(self.number, number, point) for number, point, _ in lines], earlier
        )

    def is_valid(self, contents: dict[str, Any], earlier: Sequence[Trial]) -> bool:
        """Whether the current settings allow these points, and give these contents for them."""
        return contents == self.contents(self.trials_in(contents, earlier), contents["history"])


def rounds(settings: Mapping[str, Any], split: str, train: str, code: Code, propose: Code) -> list[Round]:
    """The rounds after the first; empty if the search does not learn.

    `split` is the digest of the rows, and `train` is the name of the function that trains. `code` is its
    fingerprint, and `propose` is that of `round_file`.
    """
    search = settings["search"]
    if search["method"] not in LEARNERS:
        return []
    sampler = learner(search)
    fixed = {name: value for name, value in search.items() if name not in sampler.unused}
    key = digest([fixed, shared(settings), split, code, propose])  # of all that determines every round
    return [
        Round(settings, split, train=train, code=code, search=key, number=number)
        for number in range(1, len(sampler.rounds))
    ]


def round_file(round_: Round, earlier: Sequence[Trial], records: Iterable[bytes]) -> bytes:
    """The file of a round. Its points follow from the outcomes of all trials before it."""
    outcomes = (decode_json(record)["outcome"] for record in records)
    past = history((trial.point for trial in earlier), outcomes)
    proposals = round_.sampler.propose(bounded(past, round_.settings["search"]), len(round_.names))
    return sealed_json(round_.contents(round_.trials(proposals, earlier), digest(past)))


def history(points: Iterable[Point], outcomes: Iterable[Mapping[str, Any]]) -> History:
    """The history of a search: each trial's point and the score that ranks it, or None if it diverged."""
    scores = (None if each["status"] == "diverged" else last_score(each["curve"]) for each in outcomes)
    return list(zip(points, scores, strict=True))


def bounded(past: History, search: Mapping[str, Any]) -> History:
    """The history that a sampler learns from. Scores far below the others are raised to `Score.floor`."""
    floor = Score.of(search).floor([score for _, score in past if score is not None])
    return [(point, None if score is None else max(score, floor)) for point, score in past]
