"""The plan: every trial of a search before any of them runs, and the table of what became of them."""

import itertools
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

from zdl.artifacts.io import decode_json, decode_npz, digest, digest_of_arrays, is_digest, sealed_json
from zdl.artifacts.schemas import is_outcome
from zdl.config.settings import resolve
from zdl.search.samplers import Proposal, sampler
from zdl.search.trial import Trial, trial_spec

Run = tuple[str, Mapping[str, str]]  # the fingerprint of `zdl.search.trial.run`
NONE: Run = ("", {})


def trials(settings: Mapping[str, Any], split: str = "", run: Run = NONE) -> list[Trial]:
    """The trials that `settings` ask for, in their order; of a search that learns, those of its first round.

    `split` is the digest of what they train on, and `run` the fingerprint of what trains them: without these,
    the trials can be compared with each other, and none can be run.
    """
    search = settings["search"]
    return enroll(settings, split, sampler(search).propose((), search["trials"]), run=run)


def enroll(
    settings: Mapping[str, Any],
    split: str,
    proposals: Iterable[Proposal],
    earlier: Iterable[Trial] = (),
    run: Run = NONE,
) -> list[Trial]:
    """The trials of `proposals`, in their order; `earlier` are those that the search has already.

    A value that plays no part in its trial (a momentum under plain SGD) is left out of its point.
    """
    seed = settings["search"]["seed"]
    taken, enrolled = {trial.number for trial in earlier}, []
    for proposal in proposals:
        config = resolve(settings, proposal.point)
        point = {name: value for name, value in proposal.point.items() if name in config or name in SHAPE}
        number = number_of(point, taken) if proposal.number is None else proposal.number
        taken.add(number)
        enrolled.append(Trial(number, point, trial_spec(seed, number, config, split, run)))
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


def listed(lines: Mapping[str, Any], order: Sequence[Sequence[str]], digest: str) -> bytes:
    """The plan file. `order` says in which order points hold their values, and the plan its trials: a digest
    of `lines` alone does not."""
    return sealed_json({"digest": digest, **lines})


def aggregated(
    plan: bytes,
    rounds: Sequence[bytes],
    records: Iterable[bytes],
    *,
    split: bytes,
    names: Sequence[str],
    digest: str,
) -> bytes:
    """What became of every trial, in one table; the digest of the images themselves beside it.

    `names` and `records` are those of all trials, in the order of the search.
    """
    lines: dict[str, Any] = {}
    for listing in (plan, *rounds):
        lines.update(decode_json(listing))
    trials = [Trial(number, point, spec, name) for name in names for number, point, spec in [lines[name]]]
    rows = table(trials, map(decode_json, records))
    return sealed_json({"digest": digest, "data": digest_of_arrays(decode_npz(split)), "trials": rows})


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
