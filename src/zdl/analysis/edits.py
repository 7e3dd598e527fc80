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

    space: dict[str, Any]  # search.space after the edit
    shared: int  # trials that the present and the edited search share (if it learns: of the first round)
    trials: int  # all trials of the edited search


def edit_of_ranges(settings: Settings, space_table: pd.DataFrame, target: str) -> Edit:
    """The edit to the ranges of a table of recommendations: those for another round (`target` "next"), or the
    wider ones ("wider")."""
    space = {name: dict(spec) for name, spec in settings["search"]["space"].items()}
    low, high = f"{target}_low", f"{target}_high"
    for row in space_table.dropna(subset=[low, high]).to_dict("records"):
        number_type = int if row["distribution"] == "int_uniform" else float
        spec, limits = space[row["name"]], {"low": number_type(row[low]), "high": number_type(row[high])}
        if "points" in spec and limits.items() - spec.items():
            limits["points"] = grid_points(spec, limits["low"], limits["high"])
        space[row["name"]] |= limits
    return Edit(space, *_trial_counts(settings, space))


def _trial_counts(settings: Settings, space: Mapping[str, Any]) -> tuple[int, int]:
    size = sampler({**settings["search"], "space": space}).size
    trials = settings["search"]["trials"] if size is None else size
    if space == settings["search"]["space"]:
        return trials, trials
    searches = (settings["search"], {**settings["search"], "space": space, "trials": trials})
    old_keys, new_keys = (
        {trial.key for trial in plan.trials({**settings, "search": search})} for search in searches
    )
    return len(old_keys & new_keys), trials
