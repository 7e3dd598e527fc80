"""The plan: every trial of a search before any of them runs, and the table of what became of them."""

import itertools
from collections.abc import Container, Iterable, Mapping
from typing import Any

from zdl.files import code_digest, digest, is_digest
from zdl.kinds import is_outcome
from zdl.samplers import Proposal, sampler
from zdl.settings import resolve
from zdl.trial import CODE, Trial, specify


def trials(settings: Mapping[str, Any], split: str) -> list[Trial]:
    """The trials that `settings` ask for, in their order; of a search that learns, those of its first round.

    `split` is the digest of what they train on.
    """
    search = settings["search"]
    return enroll(settings, split, sampler(search).propose((), search["trials"]))


def enroll(
    settings: Mapping[str, Any], split: str, proposals: Iterable[Proposal], earlier: Iterable[Trial] = ()
) -> list[Trial]:
    """The trials of `proposals`, in their order; `earlier` are those that the search has already.

    A value that plays no part in its trial (a momentum under plain SGD) is left out of its point.
    """
    seed, code = settings["search"]["seed"], code_digest(*CODE)
    taken, enrolled = {trial.number for trial in earlier}, []
    for proposal in proposals:
        config = resolve(settings, proposal.point)
        point = {name: value for name, value in proposal.point.items() if name in config or name in SHAPE}
        number = number_of(point, taken) if proposal.number is None else proposal.number
        taken.add(number)
        enrolled.append(Trial(number, point, specify(seed, number, config, split, code)))
    return enrolled


def number_of(point: Mapping[str, Any], taken: Container[int]) -> int:
    """The number of a trial whose point has no stream: nine digits that follow from the point's values.

    A trial's name and seeds follow from its number. So a point of a grid keeps its trial wherever it stands
    in the product; and no such number is taken for a place in the plan, which has six digits at most. A
    point that comes again is another trial, with other seeds, and takes the next number of its series; and
    so does one whose number another point has, once in 10**9 pairs.
    """
    for again in itertools.count():
        if (number := 10**8 + int(digest([point, again]), 16) % (9 * 10**8)) not in taken:
            return number
    raise AssertionError("endless numbers ended")


SHAPE = ("hidden_width", "hidden_depth")  # drawn values that a config holds as its hidden_sizes


def lines(planned: Iterable[Trial], later: Iterable[str] = ()) -> dict[str, Any]:
    """What the plan file holds, a trial a line: its name, then number, point and spec; of a trial whose point
    is not known before others have run, the name alone."""
    return {
        **{trial.name: [trial.number, trial.point, trial.spec] for trial in planned},
        **dict.fromkeys(later),
    }


def table(planned: Iterable[Trial], records: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The plan's trials with what their records say came of them: one row a trial, the losses left out."""
    rows = []
    for trial, record in zip(planned, records, strict=True):
        outcome = {key: value for key, value in record["outcome"].items() if key != "loss"}
        rows.append(
            {
                "trial": trial.number,
                "key": trial.key,
                "point": trial.point,
                "outcome": outcome,
                "result": record["result"],
            }
        )
    return rows


def is_table(planned: Iterable[Trial], contents: Mapping[str, Any]) -> bool:
    """Whether contents are a table of exactly those trials."""
    rows = contents["trials"]
    return (
        is_digest(contents["data"])
        and [(row["trial"], row["key"], row["point"]) for row in rows]
        == [(trial.number, trial.key, trial.point) for trial in planned]
        and all(is_digest(row["result"]) and is_outcome(row["outcome"]) for row in rows)
    )
