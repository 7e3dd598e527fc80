"""The plan: every trial of a search before any of them runs, and the table of what became of them."""

from collections.abc import Iterable, Mapping
from typing import Any

from zdl import space
from zdl.files import code_digest, is_digest
from zdl.kinds import is_outcome
from zdl.settings import resolve
from zdl.trial import CODE, Trial, specify


def trials(settings: Mapping[str, Any], split: str) -> list[Trial]:
    """The trials that `settings` ask for, in their order; `split` is the digest of what they train on.

    A value that plays no part in its trial (a momentum under plain SGD) is left out of its point.
    """
    search, code = settings["search"], code_digest(*CODE)
    planned = []
    for number, drawn in enumerate(space.points(search["space"], search["seed"], search["trials"])):
        config = resolve(settings, drawn)
        point = {name: value for name, value in drawn.items() if name in config or name in SHAPE}
        planned.append(Trial(number, point, specify(search["seed"], number, config, split, code)))
    return planned


SHAPE = ("hidden_width", "hidden_depth")  # drawn values that a config holds as its hidden_sizes


def lines(planned: Iterable[Trial]) -> dict[str, Any]:
    """What the plan file holds, a trial a line: its name, then number, point and spec."""
    return {trial.name: [trial.number, trial.point, trial.spec] for trial in planned}


def table(planned: Iterable[Trial], records: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The plan's trials with what their records say came of them: one row a trial, the losses left out."""
    rows = []
    for trial, record in zip(planned, records, strict=True):
        outcome = {key: value for key, value in record["outcome"].items() if key != "loss"}
        rows.append(
            {"trial": trial.number, "point": trial.point, "outcome": outcome, "result": record["result"]}
        )
    return rows


def is_table(planned: Iterable[Trial], contents: Mapping[str, Any]) -> bool:
    """Whether contents are a table of exactly those trials."""
    rows = contents["trials"]
    return (
        is_digest(contents["data"])
        and [(row["trial"], row["point"]) for row in rows]
        == [(trial.number, trial.point) for trial in planned]
        and all(is_digest(row["result"]) and is_outcome(row["outcome"]) for row in rows)
    )
