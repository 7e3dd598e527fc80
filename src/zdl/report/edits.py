"""The edits that the pages recommend: ranges to write in params.yaml."""

from collections.abc import Mapping
from typing import Any

from zdl.analysis.edits import Edit
from zdl.analysis.results import Search, Settings
from zdl.report.params_yaml import space_as_yaml
from zdl.report.replicated import plain_rows

Row = dict[str, Any]


def ranges_to_write(search: Search, settings: Settings, edits: Mapping[str, Edit]) -> Row:
    """The ranges to write in params.yaml: wider ones where the best lie at an end, and those for another
    round."""
    space, wider_edit, next_edit = settings["search"]["space"], edits["wider"], edits["next"]
    names = [row["name"] for row in plain_rows(search.space) if row["advice"]]
    # A grid may outgrow the largest number of trials
    trials_lines = {
        kind: "" if edit.trials <= settings["search"]["trials"] else f"  trials: {edit.trials}\n"
        for kind, edit in edits.items()
    }
    wider_lines = space_as_yaml({name: wider_edit.space[name] for name in names}) if names else ""
    return {
        "wider": trials_lines["wider"] + wider_lines if wider_lines else "",
        "next": trials_lines["next"] + space_as_yaml(next_edit.space),
        "moved": _changed_ranges(space, wider_edit.space, next_edit.space),
        "shared": {"wider": wider_edit.shared, "next": next_edit.shared},
        "planned": {"wider": wider_edit.trials, "next": next_edit.trials},
    }


def _changed_ranges(
    space: Mapping[str, Any], wider_space: Mapping[str, Any], next_space: Mapping[str, Any]
) -> list[Row]:
    """The ranges for another round that differ from the present ones, and where their ends are: "inside" or
    "outside" the present range, or "" if unchanged. Empty if they only widen ranges, as the wider edit
    does."""
    rows = [
        {
            "name": name,
            "low": spec["low"],
            "high": spec["high"],
            "at_low": _side_of_end(spec["low"], space[name]["low"]),
            "at_high": _side_of_end(-spec["high"], -space[name]["high"]),
        }
        for name, spec in next_space.items()
        if spec != space[name]
    ]
    return rows if any(next_space[row["name"]] != wider_space[row["name"]] for row in rows) else []


def _side_of_end(end: float, present_end: float) -> str:
    return "" if end == present_end else "inside" if end > present_end else "outside"
