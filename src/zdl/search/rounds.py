"""Rounds: a search that learns proposes points when all trials of earlier rounds have scores.

How many trials there will be is known before anything runs, and so is all that determines them. Only their
points are not. So a trial of a later round is named by its place and a digest of the whole search, and the
file of its round gives that name a point, as the plan does in the first round. The digest leaves out the
number of trials, and a round's file always has a whole batch, so more trials are appended.

Such a name is as good as one that follows from the point, since the same search comes to the same points. A
round's file also holds a digest of the history that it followed from, so other records are noticed.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from zdl.artifacts.encoding import decode_json, digest, sealed_json
from zdl.data.scores import Score
from zdl.search.curves import last_score
from zdl.search.distributions import holds
from zdl.search.plan import plan_lines, trials_at
from zdl.search.samplers import History, Point, Proposal, sampler
from zdl.search.trial import Code, Trial
from zdl.search.trial_config import shared


class Round:
    """A round after the first; `number` counts from 1.

    digest  of all that determines the contents of its file
    name    of its file
    names   of its trials, whatever their points will be
    """

    def __init__(
        self, settings: Mapping[str, Any], split: str, *, train: str, code: Code, search: str, number: int
    ) -> None:
        self.settings, self.split, self.number = settings, split, number
        self.train, self.code = train, code
        batch = settings["search"]["batch"]
        self.start = number * batch
        places = range(self.start, self.start + batch)
        self.names = [f"{place:04d}-{digest([search, place])[:12]}" for place in places]
        # The order of the space is that of the values in the file, and changes no trial.
        self.digest = digest([search, number, list(settings["search"]["space"])])
        self.name = f"{number:04d}-{self.digest[:12]}"

    def trials(self, points: Iterable[Point], earlier: Iterable[Trial]) -> list[Trial]:
        """Its trials, if these are its points; `earlier` are all trials of the rounds before it."""
        proposals = (Proposal(dict(point)) for point in points)
        trials = trials_at(self.settings, self.split, proposals, earlier, train=self.train, code=self.code)
        return [Trial(t.number, t.point, t.spec, name) for t, name in zip(trials, self.names, strict=True)]

    def contents(self, trials: Iterable[Trial], history: str) -> dict[str, Any]:
        """What its file holds: a line a trial, as in the plan, and the digest of the history they follow."""
        return {"digest": self.digest, "history": history, **plan_lines(trials)}

    def trials_in(self, contents: Mapping[str, Any], earlier: Iterable[Trial]) -> list[Trial]:
        """The trials in the contents of its file."""
        return self.trials((contents[name][1] for name in self.names), earlier)

    def is_valid(self, contents: dict[str, Any], earlier: Sequence[Trial]) -> bool:
        """Whether contents are points of the space, and what today's settings make of them."""
        space = self.settings["search"]["space"]
        trials = self.trials_in(contents, earlier)
        values = ((name, value) for trial in trials for name, value in trial.point.items())
        return contents == self.contents(trials, contents["history"]) and all(
            name in space and holds(space[name], value) for name, value in values
        )


def rounds(settings: Mapping[str, Any], split: str, train: str, code: Code, propose: Code) -> list[Round]:
    """The rounds after the first; none, if the search does not learn. `split` is the digest of the rows,
    `train` names what trains, and `code` and `propose` are the fingerprints of that and of `round_file`."""
    search = settings["search"]
    if sampler(search).batch is None:
        return []
    count = -(-search["trials"] // search["batch"])
    lasting = {name: value for name, value in search.items() if name != "trials"}
    key = digest([lasting, shared(settings), split, code, propose])  # of all that determines every round
    return [
        Round(settings, split, train=train, code=code, search=key, number=number)
        for number in range(1, count)
    ]


def round_file(place: Round, earlier: Sequence[Trial], records: Iterable[bytes]) -> bytes:
    """The file of a round, whose points follow from the outcomes of all trials before it."""
    search = place.settings["search"]
    outcomes = (decode_json(record)["outcome"] for record in records)
    seen = history((trial.point for trial in earlier), outcomes)
    points = (point for point, _ in sampler(search).propose(seen, search["batch"]))
    return sealed_json(place.contents(place.trials(points, earlier), digest(seen)))


def history(points: Iterable[Point], outcomes: Iterable[Mapping[str, Any]]) -> History:
    """What a sampler learns from: each trial's point, and the score that ranks it, None if it diverged. One
    far below the others is cut (`Score.floor`)."""
    outcomes = list(outcomes)
    scores = [None if each["status"] == "diverged" else last_score(each["curve"]) for each in outcomes]
    finished = [score for score in scores if score is not None]
    floor = Score.of(outcomes[0]["curve"]).floor(finished) if outcomes else 0.0
    cut = (None if score is None else max(score, floor) for score in scores)
    return list(zip(points, cut, strict=True))
