"""Read trials from the plan or from a round's file. A process parses only those that it trains."""

import json
from collections.abc import Iterator
from pathlib import Path

from zdl import Error
from zdl.artifacts.encoding import is_digest, parsing
from zdl.artifacts.io import regular
from zdl.pipeline.checks import check_code
from zdl.pipeline.records import ROUNDS, TRIALS
from zdl.search.trial import Trial


def find_trial(plan: Path, name: str) -> Trial:
    """The trial `name` of a plan. Raises an `Error` if the plan has no such trial."""
    for line_name, line in _lines(plan):
        if line_name == name and (trial := _trial(plan, name, line)):
            return trial
    raise Error(f"trial {name}: is not in {plan}; if params.yaml or the code changed, run again")


def trials_after(plan: Path, name: str, last: str) -> Iterator[Trial]:
    """The trials without a record from the one after `name` up to `last`. (A round may have more trials than
    the search needs.)"""
    lines = _lines(plan)
    for earlier, _ in lines:
        if earlier == name:
            break
    for later, line in lines if name != last else ():
        if not (TRIALS / f"{later}.json").exists() and (trial := _trial(plan, later, line)):
            yield trial
        if later == last:
            break


def _lines(plan: Path) -> Iterator[tuple[str, str]]:
    """The lines of a plan, each with the name of its trial."""
    with parsing(plan), regular(plan).open(encoding="utf-8") as lines:
        for line in lines:
            if name := line[1:].partition('"')[0]:
                yield name, line


def _trial(plan: Path, name: str, line: str) -> Trial | None:
    """The trial in a line of the plan; None if the line has none or was edited. An edit shows in the name,
    which holds the digest of all that determines the trial."""
    with parsing(plan):
        value = line.partition(": ")[2].rstrip(",\n")
        if not value.startswith("["):
            return None
        number, point, spec = json.loads(value)
        trial = Trial(number, point, spec, name)
        if not (plan.parent == ROUNDS or trial.key == name) or not is_digest(trial.spec["split"]):
            return None
        check_code(plan, spec)
        return trial
