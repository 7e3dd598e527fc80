"""What a page opens with: what was searched, what a guess would score, and the one next step."""

import math
from collections.abc import Mapping
from typing import Any

from zdl.analysis.results import Analysis, Replication, Settings
from zdl.analysis.statistics import sign_of_difference
from zdl.data.preprocess import validation_count

Row = dict[str, Any]

# The search of the book's section 6.5, and the range of Best-1 over several runs of its script
BOOK_BEST = (0.75, 0.86)
BOOK: Mapping[str, Mapping[str, Any]] = {
    "data": {"subsample": 500},
    "split": {"validation_rate": 0.2},
    "model": {"hidden_sizes": [100] * 6, "activation": "relu", "weight_init": "relu"},
    "training": {"epochs": 50, "batch_size": 100, "optimizer": "sgd", "evaluate_samples": None},
    "search": {
        "method": "random",
        "trials": 100,
        "space": {
            "lr": {"distribution": "log_uniform", "low": 1e-6, "high": 1e-2},
            "weight_decay": {"distribution": "log_uniform", "low": 1e-8, "high": 1e-4},
        },
    },
}


def opening(settings: Settings, analysis: Analysis) -> Row:
    """The network and its training, each None where it is searched; and how many trials do not score above
    what always naming the commonest class of the validation images would, which is `val_guess`."""
    space, training = settings["search"]["space"], settings["training"]
    sizes = None if {"hidden_width", "hidden_depth"} & space.keys() else settings["model"]["hidden_sizes"]
    fixed = {"activation": settings["model"]["activation"]}
    fixed |= {name: training[name] for name in ("optimizer", "batch_size", "epochs")}
    frame, guess = analysis.search.ranking, analysis.search.guess
    above = (frame["status"] != "diverged") & (frame["val_acc"] > guess)
    return {
        "network": {"sizes": sizes}
        | {name: None if name in space else value for name, value in fixed.items()},
        "val_guess": guess,
        "guesses": int((~above).sum()),
        "book": BOOK_BEST if _is_book(settings) else None,
    }


def _is_book(settings: Settings) -> bool:
    return all(
        settings[section].get(name) == value
        for section, values in BOOK.items()
        for name, value in values.items()
    )


def longer(settings: Settings, replication: Replication) -> Row | None:
    """Whether accuracy still rises at the end of the curves, with the `sign_of_difference` of that; how long
    they are, in `epochs` and `updates` (None if the batch is searched); of how many `trials` and `splits`
    they are; and what twice as many epochs would cost. None if the curves do not tell, or the search varies
    their length."""
    space, epochs, rise = settings["search"]["space"], settings["training"]["epochs"], replication.rise
    if "epochs" in space or not rise:
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
        "updates": None if "batch_size" in space else _updates(settings),
        "trials": int((rows["repeats"] > 0).sum()),
        "splits": int(splits),
        "twice": 2 * epochs,
        "again": int((rows["repeats"] + rows["diverged"]).sum()),
    }


def train_images(settings: Settings) -> int:
    images = settings["data"]["subsample"]
    return int(images - validation_count(settings["split"]["validation_rate"], images))


def _updates(settings: Settings) -> int:
    """How many updates a training has (`zdl.nn.trainer`)."""
    batch = settings["training"]["batch_size"]
    return int(settings["training"]["epochs"] * max(train_images(settings), batch) // batch)


def updates_after_val(settings: Settings) -> int | None:
    """How many updates follow the last point of a learning curve; None if that differs between trials."""
    if {"batch_size", "epochs"} & settings["search"]["space"].keys():
        return None
    batch, epochs = settings["training"]["batch_size"], settings["training"]["epochs"]
    last = -(-(epochs - 1) * max(train_images(settings), batch) // batch)  # -(-a // b) is ceil(a / b)
    return int(_updates(settings) - 1 - last)


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
