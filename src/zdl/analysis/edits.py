"""The edits of params.yaml that the recommendations lead to, and how many trials each would train."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd

from zdl.analysis.ranges import grid_points
from zdl.search import plan
from zdl.search.samplers import sampler

Settings = Mapping[str, Any]


class Edit(NamedTuple):
    """An edit of the ranges in params.yaml, and what it costs."""

    space: dict[str, Any]  # search.space after it
    shared: int  # trials of the present search that a search of this space has, too
    trials: int  # of that search (of one that learns, `shared` counts those of the first round)


def edited(settings: Settings, space_table: pd.DataFrame, which: str) -> Edit:
    """The edit to the ranges `next_low` to `next_high` of a table of recommendations; or "wider", where it
    has such."""
    changed = {name: dict(spec) for name, spec in settings["search"]["space"].items()}
    low, high = f"{which}_low", f"{which}_high"
    for row in space_table.dropna(subset=[low, high]).to_dict("records"):
        kind = int if row["distribution"] == "int_uniform" else float
        spec, limits = changed[row["name"]], {"low": kind(row[low]), "high": kind(row[high])}
        if "points" in spec and limits.items() - spec.items():
            limits["points"] = grid_points(spec, limits["low"], limits["high"])
        changed[row["name"]] |= limits
    return Edit(changed, *_shared(settings, changed))


def _shared(settings: Settings, space: Mapping[str, Any]) -> tuple[int, int]:
    size = sampler({**settings["search"], "space": space}).size
    trials = settings["search"]["trials"] if size is None else size
    if space == settings["search"]["space"]:
        return trials, trials
    searches = (settings["search"], {**settings["search"], "space": space, "trials": trials})
    before, after = ({trial.key for trial in plan.trials({**settings, "search": each})} for each in searches)
    return len(before & after), trials
