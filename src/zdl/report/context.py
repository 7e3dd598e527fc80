"""The content of the pages, as plain values for the templates under `zdl/report/templates/`.

The values are computed once, and each template puts them into words. So both languages say the same, and a
translator edits a file that reads like the page.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from zdl.analysis.edits import Edit
from zdl.analysis.ranking import CROWDED, PUBLISHED, important_axes, map_axes, top
from zdl.analysis.results import Analysis, HeldOut, Replication, Search, Settings
from zdl.analysis.rungs import epochs_spent
from zdl.analysis.significance import single_searches
from zdl.analysis.statistics import DRAWS, RARELY_EXCEEDED, chance_gain_of_doubling
from zdl.config.checks import PROPOSING
from zdl.data import scoring
from zdl.data.scores import Score
from zdl.report.edits import ranges_to_write
from zdl.report.formatting import accuracy, number, short
from zdl.report.opening import guesses, next_step, training_rise
from zdl.report.params_yaml import as_yaml
from zdl.report.replicated import guess_facts, plain_rows, replicate_facts

Row = dict[str, Any]
Words = Mapping[str, Mapping[str, Any]]  # of the problem, by language (`zdl.config.words`)

SETTLED = ("clear", "falls")  # states of an end beyond which no better trials are expected
ENOUGH = 20  # trials, at least, to predict the gain of more


def context(
    settings: Settings, analysis: Analysis, edits: Mapping[str, Edit], words: Words, image: Sequence[int] = ()
) -> Row:
    """All values of the pages. `edits` are those of the ranges: "wider" and "next"."""
    search, counts, score = analysis.search, analysis.metrics["search"], analysis.score
    hyperparameters, budget = _hyperparameters(search, settings), _budget(search, counts["val_images"], score)
    if budget and "helps" in budget:
        budget["unequal"] = _contenders_differ(search, analysis.replication)
    facts = {
        "settings": settings,
        "score": score,
        "space": settings["search"]["space"],
        "yaml": as_yaml(settings),
        "made_from": analysis.made_from,
        "words": words,
        "search": counts,
        "method": _method(counts, settings["search"]),
        "learns": _method(counts, settings["search"]) in PROPOSING,
        "best": _best(analysis.metrics, settings, search),
        "published": min(len(search.ranking), PUBLISHED),
        "leaders": _leaders(search, settings, score),
        "contenders": len(search.contenders) - 1,  # trials that cannot be distinguished from Best-1
        "hyperparameters": hyperparameters,
        "tested": any(row["judged"] for row in hyperparameters),
        # Ends beyond which better ones may lie, of hyper-parameters that matter
        "open_ends": [row["name"] for row in hyperparameters if row["effect"] and row["open"]],
        "often_diverged": 3 * counts["diverged"] > counts["trials"],
        "budget": budget,
        "val_guess": search.guess,
        "guesses": guesses(analysis),
        "epochs": training_rise(settings, analysis.replication),
        "draws": DRAWS if score.counts else scoring.DRAWS,
        **_rows(analysis, image),
        **_map(search, settings),
        **replicate_facts(analysis.replication),
        **guess_facts(analysis),
        **ranges_to_write(search, settings, edits),
        **_stopped(search, settings, analysis.replication),
    }
    return {**facts, "step": next_step(facts)}


def _rows(analysis: Analysis, image: Sequence[int]) -> Row:
    """The numbers of rows, and their classes; `of_class` is the class that the score is about, if it is about
    one of two."""
    held_out, score = analysis.held_out, analysis.score
    classes = held_out.classes.tolist()
    return {
        "train": analysis.rows["train"],
        "val_rows": analysis.rows["val"],
        "held_out": len(held_out.t),
        "classes": classes,
        "of_class": classes[1] if score.of_one_class and len(classes) == 2 else None,
        "of_each_class": [] if score.regression else _of_each_class(held_out),
        "is_image": bool(image),
    }


def _stopped(search: Search, settings: Settings, replication: Replication) -> Row:
    """The rungs, and the epochs that stopping saved; `in_full`, the number of trials that were not stopped;
    and `stopped`, the stopped trials that have replicates."""
    facts: Row = {
        "in_full": search.in_full,
        "rungs": [rung._asdict() for rung in search.rungs],
        "stopped": [],
    }
    if search.rungs:
        facts["epochs_spent"], facts["epochs_in_full"] = epochs_spent(search.trials, settings["search"])
        full_trials = top(search.ranking, search.in_full)["trial"].tolist()
        facts["stopped"] = [
            trial for trial in replication.confirmed["trial"].tolist() if trial not in full_trials
        ]
    return facts


def _method(counts: Mapping[str, Any], search: Mapping[str, Any]) -> str:
    """The method that chose the points: "random" too for the first round of a search that learns."""
    only_first = search["method"] in PROPOSING and counts["trials"] <= search["batch"]
    return "random" if only_first else str(search["method"])


def _best(metrics: Mapping[str, Any], settings: Settings, search: Search) -> Row | None:
    """The best trial, and the number of other trials `tied` with it; None if no trial finished."""
    best, images = metrics["best"], metrics["search"]["val_images"]
    if best["trial"] is None:
        return None
    space = settings["search"]["space"]
    point = {name: best[name] for name in space if best.get(name) is not None}
    finished = top(search.ranking, search.in_full)
    tied = int((finished["val_acc"] == best["val_acc"]).sum()) - 1
    return {**best, "correct": round(best["val_acc"] * images), "point": point, "tied": tied}


def _leaders(search: Search, settings: Settings, score: Score) -> list[Row]:
    """A row for each of the best trials; scores are texts, and shares have the same number of decimals."""
    best = top(search.ranking, settings["report"]["best"])
    if best.empty:
        return []
    names = [name for name in settings["search"]["space"] if name in best]
    columns = {name: best[name].tolist() for name in ("val_acc", "train_acc", "final_val_acc")}
    texts = {
        name: _accuracies(column) if score.is_share else list(map(number, column))
        for name, column in columns.items()
    }
    return [
        {
            **row,
            **{name: column[k] for name, column in texts.items()},
            "point": {name: best[name].iloc[k] for name in names},
        }
        for k, row in enumerate(plain_rows(search.leaders))
    ]


def _accuracies(values: Sequence[float]) -> list[str]:
    """Accuracies with the same number of decimals, so that a column of them lines up."""
    texts = [accuracy(value) for value in values]
    width = max(map(len, texts))
    return [text if text == "–" else text.ljust(width, "0") for text in texts]


def _hyperparameters(search: Search, settings: Settings) -> list[Row]:
    """A row for each searched hyper-parameter, with the columns of `zdl.analysis.recommendations.space`.

    `of_best` is the values of the best trials (`_summary`). If the range is to be widened, or scores fall
    before its end, the values for that end have names in `_there`; `best_there` is the number of best trials
    there. `judged` says whether an effect could be tested, `settled` whether no better trials are expected
    beyond either end, and `open` whether one end is in doubt.
    """
    learns = _method({"trials": len(search.ranking)}, settings["search"]) in PROPOSING
    rows = []
    for row in plain_rows(search.space):
        name: str = row["name"]
        spec = settings["search"]["space"][name]
        best = top(search.ranking, len(search.ranking)).get(name, pd.Series(dtype="float64")).dropna()
        end = {"up": "high", "down": "low"}.get(row["advice"] or row["falls"])
        rows.append(
            {
                **row,
                "spec": spec,
                "of_best": _summary(best.head(int(row["best"])).tolist(), spec),
                "best_there": round(row[f"at_{end}"] * row["best"]) if end else None,
                **{f"{column}_there": row[f"{column}_{end}"] if end else None for column in ("p", "piled")},
                "near_there": round(row[f"near_{end}"]) if end else None,
                "judged": row["p_effect"] is not None or (learns and bool(row["best"])),
                "settled": row["low_end"] in SETTLED and row["high_end"] in SETTLED,
                "open": any(row[end] and row[end] not in SETTLED for end in ("low_end", "high_end")),
            }
        )
    return rows


def _summary(values: Sequence[Any], spec: Mapping[str, Any]) -> list[Any]:
    """The least and the greatest number (once, if they are equal), or the count of each option: [["sgd", 2],
    ["adam", 1]]."""
    if not values:
        return []
    if "options" not in spec:
        return sorted({min(values), max(values)})
    texts = [short(value) for value in values]
    return [[option, texts.count(option)] for option in map(short, spec["options"]) if option in texts]


def _map(search: Search, settings: Settings) -> dict[str, bool]:
    """Which elements the figure of the whole search has."""
    ranking, space, method = search.ranking, settings["search"]["space"], settings["search"]["method"]
    axes = important_axes(ranking, space, search.space)
    # A surrogate needs a numeric axis and a trial that finished
    modelled = "options" not in space[map_axes(ranking, space)[0]] and not top(ranking, 1).empty
    return {
        "cells": len(axes) == 2 and len(ranking.dropna(subset=axes)) > CROWDED,
        "surface": modelled and method in PROPOSING,
        "lines": modelled and method in ("random", "halton"),
        "partial": bool(ranking[axes].isna().any(axis=None)),  # in some trials an axis plays no part
    }


def _budget(search: Search, images: int, score: Score) -> Row | None:
    """The gain of the last doubling of trials, if these are independent; else the trial of the last gain.

    `helps` says whether the gain is above `limit`, which chance rarely exceeds among the `equal` trials that
    cannot be distinguished from the best (`chance_gain_of_doubling`). It is None if the trials are too few,
    or the score does not count rows. `singles` are numbers and sizes of the disjoint searches in this one.
    """
    budget = search.budget
    if len(budget) < 2:
        return None
    last = plain_rows(budget.tail(1))[0]
    if "best" in budget:
        if last["best"] is None:
            return None
        first = next(row for row in plain_rows(budget) if row["best"] == last["best"])
        return {**last, "last_gain": first["trials"]}
    half = plain_rows(budget[budget["trials"] == last["trials"] // 2])[0]
    gain = round(last["expected"] - half["expected"], 6)
    ranking = search.ranking
    scores = ranking["val_acc"].where(ranking["status"] != "diverged", 0.0).fillna(0.0)
    is_contender = ranking["trial"].isin(search.contenders)
    chance_gain = 0.0
    if score.counts:
        chance_gain = round(chance_gain_of_doubling(scores[is_contender], images, scores[~is_contender]), 9)
    limit = round(RARELY_EXCEEDED * chance_gain, 6)
    helps = gain > limit if last["trials"] >= ENOUGH and score.counts else None
    singles = [(last["trials"] // size, size) for size in single_searches(budget)["trials"].tolist()]
    return {
        **last,
        "half": half["trials"],
        "singles": singles,
        "gain": gain,
        "equal": int(is_contender.sum()),
        "chance_gain": chance_gain,
        "limit": limit,
        "helps": helps,
    }


def _contenders_differ(search: Search, replication: Replication) -> bool:
    """Whether held-out images distinguish the confirmed best from another contender; validation images do not
    distinguish contenders from Best-1."""
    rivals = replication.rivals
    differs = rivals["trial"][rivals["held_out"] != 0].isin(search.contenders)
    return replication.best in search.contenders and bool(differs.any())


def _of_each_class(held_out: HeldOut) -> list[int]:
    """The least and the greatest number of held-out rows of a class; once, if they are equal."""
    counts = np.unique(held_out.t, return_counts=True)[1]
    return sorted({int(counts.min()), int(counts.max())})
