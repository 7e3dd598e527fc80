"""`make experiments`: what each of DVC's experiments changed, and how it scored; at most 100 columns wide."""

import json
import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))  # PYTHONSAFEPATH leaves it out
from adapter import one_line
from tools import output, require_git
from zdl.report.formatting import accuracy, short

WIDTH, NAME, GLUE = 100, 26, "\N{NO-BREAK SPACE}"  # columns of the table, and of a name
SCORES = {  # in the search; and of the confirmed best on other splits and on held-out images
    "Best-1": ("best", "val_acc"),
    "replicates": ("confirmed", "val_mean"),
    "held out": ("confirmed", "held_out"),
}


def flat(values: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """All settings, each with its name: search.trials."""
    if isinstance(values, Mapping):
        for key, value in values.items():
            yield from flat(value, f"{name}.{key}" if name else str(key))
    else:
        yield name, values


def contents(revision: Mapping[str, Any], kind: str, path: str) -> Any:
    """The contents of a file in a revision; empty if the file is missing or cannot be read."""
    return ((revision["data"] or {}).get(kind, {}).get(path) or {}).get("data") or {}


def scores(revision: Mapping[str, Any]) -> list[str]:
    """The cells of SCORES."""
    metrics = contents(revision, "metrics", "reports/metrics.json")
    return [accuracy(metrics.get(part, {}).get(key)) for part, key in SCORES.values()]


def changes(old: Mapping[str, Any], new: Mapping[str, Any], state: str) -> str:
    """The settings that differ between two revisions, or why they are unknown."""
    before, after = (dict(flat(contents(each, "params", "params.yaml"))) for each in (old, new))
    if not after:
        return state or "its files cannot be read"
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    edits = [f"{name} {text(before.get(name))} → {text(after.get(name))}" for name in names]
    return ", ".join([*([state] if state else []), *edits]) or "no setting"


def text(value: Any) -> str:
    return str(value) if isinstance(value, list) else short(value)


def row(name: str, cells: list[str], last: str) -> str:
    """A row of the table. Its last cell is wrapped between settings."""
    head = f"{name if len(name) <= NAME else name[: NAME - 1] + '…':<{NAME}}"
    head += "".join(f"{cell:>{len(title) + 2}}" for cell, title in zip(cells, SCORES, strict=True)) + "  "
    edits = textwrap.wrap(last.replace(", ", ",\n").replace(" ", GLUE), WIDTH - len(head))
    return f"\n{' ' * len(head)}".join([head + edits[0], *edits[1:]]).replace(GLUE, " ")


with one_line():
    require_git("make experiments")
    _, *baselines = json.loads(output("dvc", "exp", "show", "--json"))
    print(row("experiment", list(SCORES), "changed"))
    for baseline in baselines:
        print(row(baseline["name"] or baseline["rev"][:7], scores(baseline), "(the commit)"))
        for experiment in baseline["experiments"] or []:
            revision = experiment["revs"][0]
            state = str((experiment["executor"] or {}).get("state") or "").lower()
            state = "" if state == "success" else state
            name = f"  {experiment['name'] or revision['rev'][:7]}"
            print(row(name, scores(revision), changes(baseline, revision, state)))
        if not baseline["experiments"]:
            print("no experiment yet: `dvc exp run --name wide --set-param search.space.lr.high=0.1`")
