"""What the pages say of the edits that they recommend: the ranges to write in params.yaml."""

from collections.abc import Mapping
from typing import Any

from zdl.analysis.edits import Edit
from zdl.analysis.results import Search, Settings
from zdl.report.params_yaml import space_as_yaml
from zdl.report.replicated import rows_of

Row = dict[str, Any]


def ranges_to_write(search: Search, settings: Settings, edits: Mapping[str, Edit]) -> Row:
    """The ranges to write in params.yaml: wider ones, where the best lie at an end; and for another round."""
    present, wider, following = settings["search"]["space"], edits["wider"], edits["next"]
    advised = [row["name"] for row in rows_of(search.space) if row["advice"]]
    # A grid may outgrow the largest number of trials
    allowed = {
        which: "" if edit.trials <= settings["search"]["trials"] else f"  trials: {edit.trials}\n"
        for which, edit in edits.items()
    }
    wide = space_as_yaml({name: wider.space[name] for name in advised}) if advised else ""
    return {
        "wider": allowed["wider"] + wide if wide else "",
        "next": allowed["next"] + space_as_yaml(following.space),
        "moved": _moved(present, wider.space, following.space),
        "shared": {"wider": wider.shared, "next": following.shared},
        "planned": {"wider": wider.trials, "next": following.trials},
    }


def _moved(present: Mapping[str, Any], wider: Mapping[str, Any], following: Mapping[str, Any]) -> list[Row]:
    """The ranges of another round that are not the present ones, and where their ends are: "inside" or
    "outside" the present range, or at its own (""). None if it would only widen them, as the edit before
    does."""
    rows = [
        {
            "name": name,
            "low": spec["low"],
            "high": spec["high"],
            "at_low": _side(spec["low"], present[name]["low"]),
            "at_high": _side(-spec["high"], -present[name]["high"]),
        }
        for name, spec in following.items()
        if spec != present[name]
    ]
    return rows if any(following[row["name"]] != wider[row["name"]] for row in rows) else []


def _side(end: float, present: float) -> str:
    return "" if end == present else "inside" if end > present else "outside"
