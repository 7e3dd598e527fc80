"""The plan, which lists every trial of a search before any of them runs, and the table of their outcomes."""

import itertools
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from zdl.artifacts.encoding import decode_json, decode_npz, digest, digest_of_arrays, sealed_json
from zdl.config.checks import PROPOSING
from zdl.config.space import resolve
from zdl.data.scores import Score
from zdl.search.distributions import distinct_key
from zdl.search.samplers import Proposal, sampler
from zdl.search.trial import Code, Trial, trial_spec

UNKNOWN: Code = ("", {})


def trials(
    settings: Mapping[str, Any], split: str = "", train: str = "", code: Code = UNKNOWN
) -> list[Trial]:
    """The trials that `settings` describe, in order; for a search that learns, those of its first round.

    `split` is the digest of the rows that they train on, `train` is the name of the function that trains, and
    `code` is its fingerprint. Without these, the trials can be compared with each other, but not run.
    """
    search = settings["search"]
    proposals = sampler(search).propose((), search["trials"])
    return trials_at(settings, split, proposals, train=train, code=code)


def trials_at(
    settings: Mapping[str, Any],
    split: str,
    proposals: Iterable[Proposal],
    earlier: Iterable[Trial] = (),
    *,
    train: str = "",
    code: Code = UNKNOWN,
) -> list[Trial]:
    """The trials at the proposed points, in order. `earlier` are the trials that the search already has.

    A value that plays no part in its trial (a momentum under plain SGD) is left out of the trial's point.
    """
    seed = settings["search"]["seed"]
    numbers, trials = {trial.number for trial in earlier}, []
    for proposal in proposals:
        config = resolve(settings, proposal.point)
        point = {name: value for name, value in proposal.point.items() if name in config}
        number = number_of(point, numbers) if proposal.number is None else proposal.number
        numbers.add(number)
        key = distinct_key([seed, number], "trial", settings["split"]["seed"])
        spec = trial_spec(key, config, split, train, code, score=Score.of(settings["search"]).name)
        trials.append(Trial(number, point, spec))
    return trials


def number_of(point: Mapping[str, Any], numbers: Container[int]) -> int:
    """The number of a trial whose point has no stream: nine digits computed from the point's values.

    A trial's name and seeds follow from its number, so a point of a grid keeps its trial wherever it is in
    the grid. Other trials are numbered by their places in the plan. Places have six digits at most, so they
    never equal such a number.

    If another trial already has the number, the next one of the point's series is taken. So a point that
    occurs twice gives two trials with different seeds. Two different points collide once in 10**9 pairs.
    """
    for attempt in itertools.count():
        if (number := 10**8 + int(digest([point, attempt]), 16) % (9 * 10**8)) not in numbers:
            return number
    raise AssertionError("an endless series ended")


def plan_lines(trials: Iterable[Trial], later: Iterable[str] = ()) -> dict[str, Any]:
    """The contents of the plan file, one trial a line: number, point and spec under the trial's name.

    `later` are the names of trials whose points are not known until others have run; their lines are null.
    """
    lines: dict[str, Any] = {trial.name: [trial.number, trial.point, trial.spec] for trial in trials}
    return lines | dict.fromkeys(later)


def plan_file(lines: Mapping[str, Any], order: Sequence[Sequence[str]], digest: str) -> bytes:
    """The plan as a sealed file.

    `order` is not written. It adds the order of a point's values and of the trials to the inputs of this
    step, since a digest of `lines` does not depend on them.
    """
    return sealed_json({"digest": digest, **lines})


def table_file(
    plan: bytes,
    rounds: Sequence[bytes],
    records: Iterable[bytes],
    *,
    split: bytes,
    names: Sequence[str],
    halves: bool = False,
    digest: str,
) -> bytes:
    """The table of all outcomes, as a sealed file.

        trials     a row for each trial
        data       the digest of the rows that they trained on
        libraries  the versions of the libraries that trained them
        commonest  the size of the largest class in the rows that score them (None if rows are not counted)

    `names` and `records` are those of all trials, in the order of the search. If `halves`, a trial has a
    record for each of its rungs, and the last one counts.
    """
    lines: dict[str, Any] = {}
    for listing in (plan, *rounds):
        lines.update(decode_json(listing))
    trials = [Trial(number, point, spec, name) for name in names for number, point, spec in [lines[name]]]
    rows, arrays = table(trials, map(decode_json, records)), decode_npz(split)
    if halves:
        rows = of_last_rungs(rows)
    curve = rows[0]["outcome"]["curve"]
    labels = arrays["t_val"][: curve["val_size"]]
    commonest = int(np.bincount(labels).max()) if Score.of(curve).counts else None
    data = digest_of_arrays({name: arrays[name] for name in arrays if name != "classes"})
    origin = {"data": data, "libraries": trials[0].spec["libraries"]}
    return sealed_json({"digest": digest, **origin, "commonest": commonest, "trials": rows})


def table(trials: Iterable[Trial], records: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A row for each trial: its point and its outcome, without the losses."""
    rows = []
    for trial, record in zip(trials, records, strict=True):
        outcome = {key: value for key, value in record["outcome"].items() if key != "loss"}
        row = {"trial": trial.number, "key": trial.key, "point": trial.point}
        rows.append({**row, "outcome": outcome, "result": record["result"]})
    return rows


def of_last_rungs(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The last row of each trial, with `epochs` beside its point.

    `epochs` is no part of the point, since the search does not draw it.
    """
    last = {row["trial"]: row for row in rows}
    out = []
    for row in last.values():
        point = dict(row["point"])
        out.append({**row, "epochs": point.pop("epochs"), "point": point})
    return out


def notes(settings: Mapping[str, Any]) -> list[str]:
    """Warnings about settings that are allowed but may not be meant, one line each."""
    search, best = settings["search"], settings["report"]["best"]
    method, trials, size = search["method"], search["trials"], sampler(search).size
    lines = []
    if (trials if size is None else size) < best:
        reason = f"search.trials is {trials}" if size is None else f"the {method} has {size}"
        lines.append(f"report.best: {best} are to be shown, but {reason}")
    if method in PROPOSING and trials <= search["batch"]:
        lines.append(
            f"search.batch: the first {search['batch']} trials are drawn at random, and there are no more: "
            f"{method} learns nothing"
        )
    return lines
