"""What a page opens with: what is scored, what a guess would score, and the one next step."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from zdl.analysis.results import Analysis, Replication, Settings
from zdl.analysis.statistics import sign_of_difference
from zdl.config.space import fixed
from zdl.data.scores import Score

Row = dict[str, Any]


def scored_by(score: Score, classes: Sequence[str] = ()) -> Row:
    """What the pages need to know of the score: whether it counts rows, how it is written, and which class
    it is of, if it is of one."""
    return {
        "name": score.name,
        "counts": score.counts,
        "regression": score.regression,
        "any_number": not score.is_share,
        "of_class": classes[1] if score.of_one_class and len(classes) == 2 else None,
    }


def guesses(analysis: Analysis) -> int:
    """How many trials do not score above always naming the commonest class of the validation rows."""
    frame = analysis.search.ranking
    above = (frame["status"] != "diverged") & (frame["val_acc"] > analysis.search.guess)
    return int((~above).sum())


def longer(settings: Settings, replication: Replication) -> Row | None:
    """Whether accuracy still rises at the end of the curves, with the `sign_of_difference` of that; how long
    they are, in `epochs`; of how many `trials` and `splits` they are; and what twice as many epochs would
    cost. None if the curves do not tell, or the search varies their length."""
    epochs, rise = fixed(settings).get("epochs"), replication.rise
    if epochs is None or "epochs" in settings["search"]["space"] or not rise:
        return None
    mean, low, high, splits = (rise[name] for name in ("rise", "rise_low", "rise_high", "splits"))
    sign = sign_of_difference(mean, low, high, int(splits))
    rows = replication.confirmed
    return {
        "rise": mean,
        "low": None if math.isnan(low) else low,
        "high": None if math.isnan(high) else high,
        "sign": sign,
        "last": epochs // 5,
        "epochs": epochs,
        "trials": int((rows["repeats"] > 0).sum()),
        "splits": int(splits),
        "twice": 2 * epochs,
    }


def next_step(facts: Mapping[str, Any]) -> str:
    """The one thing to do next, the cheapest first: wider ranges keep most trials, more epochs none."""
    budget, epochs = facts["budget"] or {}, facts["epochs"] or {}
    steps = {
        "other": not facts["best"],
        "diverged": facts["often_diverged"],
        "wider": bool(facts["wider"]),
        "longer": epochs.get("sign", 0) > 0,
        "narrower": bool(facts["moved"]),
        "more": bool(budget.get("helps")),
        "nothing": facts["tested"],
    }
    return next((step for step, holds in steps.items() if holds), "unknown")
