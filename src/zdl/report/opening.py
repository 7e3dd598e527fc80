"""The opening of a page: what a guess would score, and the next step."""

from collections.abc import Mapping
from typing import Any

from zdl.analysis.results import Analysis, Replication, Settings
from zdl.config.space import fixed
from zdl.report.replicated import plain_row, with_sign

Row = dict[str, Any]


def guesses(analysis: Analysis) -> int:
    """The number of trials that do not score above a guess on the validation rows (`Search.guess`)."""
    frame = analysis.search.ranking
    is_above = (frame["status"] != "diverged") & (frame["val_acc"] > analysis.search.guess)
    return int((~is_above).sum())


def training_rise(settings: Settings, replication: Replication) -> Row | None:
    """How accuracy rises in the `last` epochs of the replicates' curves (`zdl.analysis.rise`), with its
    `sign_of_difference`; the length of the curves in `epochs`, and `twice` that; and the numbers of `trials`
    and `splits`. None if the rise is unknown, or the search varies the epochs."""
    epochs, rise = fixed(settings).get("epochs"), replication.rise
    if epochs is None or "epochs" in settings["search"]["space"] or not rise:
        return None
    return {
        **with_sign(plain_row(rise), "rise", int(rise["splits"])),
        "last": epochs // 5,
        "epochs": epochs,
        "trials": int((replication.confirmed["repeats"] > 0).sum()),
        "twice": 2 * epochs,
    }


def next_step(facts: Mapping[str, Any]) -> str:
    """The next step to recommend. Cheap steps come first: wider ranges keep most trials, more epochs none."""
    budget, epochs = facts["budget"] or {}, facts["epochs"] or {}
    steps = {
        "other": not facts["best"],
        "diverged": facts["often_diverged"],
        "wider": bool(facts["wider"]),
        "longer": epochs.get("rise_sign", 0) > 0,
        "narrower": bool(facts["moved"]),
        "more": bool(budget.get("helps")),
        "nothing": facts["tested"],
    }
    return next((step for step, holds in steps.items() if holds), "unknown")
