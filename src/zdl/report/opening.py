"""What a page opens with: what a guess would score, and the one next step."""

from collections.abc import Mapping
from typing import Any

from zdl.analysis.results import Analysis, Replication, Settings
from zdl.config.space import fixed
from zdl.report.replicated import plain_row, with_sign

Row = dict[str, Any]


def guesses(analysis: Analysis) -> int:
    """How many trials do not score above always naming the commonest class of the validation rows."""
    frame = analysis.search.ranking
    is_above = (frame["status"] != "diverged") & (frame["val_acc"] > analysis.search.guess)
    return int((~is_above).sum())


def training_rise(settings: Settings, replication: Replication) -> Row | None:
    """Whether accuracy still rises at the end of the curves, with the `sign_of_difference` of that; how long
    they are, in `epochs`; of how many `trials` and `splits` they are; and what twice as many epochs would
    cost. None if the curves do not tell, or the search varies their length."""
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
    """The one thing to do next, the cheapest first: wider ranges keep most trials, more epochs none."""
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
