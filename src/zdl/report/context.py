"""What the pages say, as plain values for the templates under `zdl/report/templates/`.

The values are computed once and each template puts them into words, so all pages say the same, and a
translator edits a file that reads like the page.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zdl.analysis.ranking import CROWDED, PUBLISHED, important_axes, map_axes, top
from zdl.analysis.recommendations import Edit
from zdl.analysis.results import Analysis, Replication, Search, Settings
from zdl.analysis.statistics import RARELY_EXCEEDED, chance_gain_of_doubling, sign_of_difference
from zdl.report.formatting import accuracy, short
from zdl.report.params_yaml import as_yaml, space_as_yaml

Row = dict[str, Any]
Words = Mapping[str, Mapping[str, str]]  # for the images, by language, as `zdl.data.mnist.WORDS`

MEASURED = ("at_low", "at_high", "all_low", "all_high", "p_low", "p_high", "rho", "p_effect", "importance")
ENOUGH = 20  # trials, to say what more of them would bring


def context(settings: Settings, analysis: Analysis, edits: Mapping[str, Edit], words: Words) -> Row:
    """All values of the pages. `edits` are those of the ranges: "wider" and "next"."""
    search, counts = analysis.search, analysis.metrics["search"]
    tested = bool(search.space["p_effect"].notna().any()) if len(search.space) else False
    return {
        "settings": settings,
        "space": settings["search"]["space"],
        "yaml": as_yaml(settings),
        "made_from": analysis.made_from,
        "words": words,
        "search": counts,
        "method": _method(counts, settings["search"]),
        "best": _best(analysis.metrics, settings, search.ranking),
        "published": min(len(search.ranking), PUBLISHED),
        "leaders": _leaders(search, settings),
        "alike": len(search.contenders) - 1,  # trials that cannot be distinguished from Best-1
        "searched": _searched(search, settings),
        "tested": tested,
        "often_diverged": 3 * counts["diverged"] > counts["trials"],
        "budget": _budget(search, counts["val_images"]),
        "held_out": len(analysis.held_out.t),
        **_map(search, settings),
        **_replicated(analysis.replication),
        **_learned(analysis),
        **_edits(search, settings, edits),
    }


def _method(counts: Mapping[str, Any], search: Mapping[str, Any]) -> str:
    """How the points were chosen: at random also in a search that learns, if it had only its first round."""
    only_first = search["method"] == "bayes" and counts["trials"] <= search["batch"]
    return "random" if only_first else str(search["method"])


def _best(metrics: Mapping[str, Any], settings: Settings, ranking: pd.DataFrame) -> Row | None:
    """The best trial, and how many others `tied` with it; None if no trial finished."""
    best, images = metrics["best"], metrics["search"]["val_images"]
    if best["trial"] is None:
        return None
    space = settings["search"]["space"]
    point = {name: best[name] for name in space if best.get(name) is not None}
    tied = int((top(ranking, len(ranking))["val_acc"] == best["val_acc"]).sum()) - 1
    return {**best, "correct": round(best["val_acc"] * images), "point": point, "tied": tied}


def _leaders(search: Search, settings: Settings) -> list[Row]:
    """The best trials, a row each; accuracies as texts, with as many decimals each."""
    best = top(search.ranking, settings["report"]["best"])
    if best.empty:
        return []
    names = [name for name in settings["search"]["space"] if name in best]
    texts = {name: _accuracies(best[name].tolist()) for name in ("val_acc", "train_acc", "final_val_acc")}
    by_trial = {row["trial"]: row for row in _rows(search.leaders)}
    return [
        {
            **by_trial[trial],
            "rank": best["rank"].iloc[k],
            **{name: column[k] for name, column in texts.items()},
            "point": {name: best[name].iloc[k] for name in names},
        }
        for k, trial in enumerate(best["trial"].tolist())
    ]


def _rows(frame: pd.DataFrame) -> list[Row]:
    """A table's rows as plain values, None for a blank."""
    records = [dict(zip(frame.columns, row, strict=True)) for row in frame.itertuples(index=False, name=None)]
    return [_plain(row) for row in records]


def _plain(row: Mapping[str, Any]) -> Row:
    return {name: None if pd.isna(cell) else cell for name, cell in row.items()}


def _accuracies(values: Sequence[float]) -> list[str]:
    """Accuracies with the same number of decimals, so that a column of them lines up."""
    texts = [accuracy(value) for value in values]
    width = max(map(len, texts))
    return [text if text == "–" else text.ljust(width, "0") for text in texts]


def _searched(search: Search, settings: Settings) -> list[Row]:
    """A row for each searched hyper-parameter, with the columns of `zdl.analysis.recommendations.space`.

    `of_best` is what the best trials have of it. Where a range is to be widened, or scores fall before its
    end, `best_there` of the best lie at that end, which has p-value `p_there`. `unchecked` says that the
    trials were too few to test either end.
    """
    recommended = {row["name"]: row for row in _rows(search.space)}
    rows = []
    for name, spec in settings["search"]["space"].items():
        blank = {"advice": "", "falls": "", "effect": False, "best": 0, **dict.fromkeys(MEASURED)}
        row = {**blank, **recommended.get(name, {})}
        best = top(search.ranking, len(search.ranking)).get(name, pd.Series(dtype="float64")).dropna()
        end = {"up": "high", "down": "low"}.get(row["advice"] or row["falls"])
        rows.append(
            {
                **row,
                "name": name,
                "spec": spec,
                "of_best": _summary(best.head(int(row["best"])).tolist(), spec),
                "best_there": round(row[f"at_{end}"] * row["best"]) if end else None,
                "p_there": row[f"p_{end}"] if end else None,
                "unchecked": "options" not in spec and row["p_low"] is None and row["p_high"] is None,
            }
        )
    return rows


def _summary(values: Sequence[Any], spec: Mapping[str, Any]) -> list[Any]:
    """The least and the greatest of numbers (once, if they are one), or how often each option: [["sgd", 2],
    ["adam", 1]]."""
    if not values:
        return []
    if "options" not in spec:
        return sorted({min(values), max(values)})
    texts = [short(value) for value in values]
    return [[option, texts.count(option)] for option in map(short, spec["options"]) if option in texts]


def _map(search: Search, settings: Settings) -> dict[str, bool]:
    """What the figure of the whole search shows."""
    ranking, space, method = search.ranking, settings["search"]["space"], settings["search"]["method"]
    axes = important_axes(ranking, space, search.space)
    # A surrogate can be drawn if there is a number to draw it over, and a score
    modelled = "options" not in space[map_axes(ranking, space)[0]] and not top(ranking, 1).empty
    return {
        "cells": len(axes) == 2 and len(ranking.dropna(subset=axes)) > CROWDED,
        "surface": modelled and method == "bayes",
        "lines": modelled and method in ("random", "halton"),
        "partial": bool(ranking[axes].isna().any(axis=None)),  # in some trials an axis plays no part
    }


def _replicated(replication: Replication) -> Row:
    """The trials that have replicates; the best of them, and how it compares with the others and with a
    linear model; what Best-1 has lost; and what is mistaken for what."""
    confirmed = _rows(replication.confirmed)
    finished = [row for row in confirmed if row["val_mean"] is not None]
    never = {row["trial"] for row in confirmed} - {row["trial"] for row in finished}
    rivals = [row for row in _rows(replication.rivals) if row["trial"] not in never]
    best = next((row for row in confirmed if row["trial"] == replication.best), None)
    first = next((row for row in finished if row["rank"] == 1), None)
    trainings = confirmed[0]["repeats"] + confirmed[0]["diverged"] if confirmed else 0
    return {
        "confirmed": confirmed,
        "confirmed_best": best,
        **_lead(best, finished),
        "compared": len(rivals),
        "rivals": {
            images: {sign: [row["trial"] for row in rivals if row[images] == sign] for sign in (1, 0, -1)}
            for images in ("val", "held_out")
        },
        "best_1": first and _judged(first, "luck", first["repeats"]),
        "linear": _judged(_plain(replication.linear), "loss", trainings),
        "margin": _judged(_plain(replication.margin), "apart", best["repeats"] if best else 0),
        "confusion": _confusion(replication.confusion) if confirmed else None,
    }


def _lead(best: Row | None, finished: Sequence[Row]) -> dict[str, list[int]]:
    """The other trials whose mean is not below the confirmed best's. One that is `ahead` diverged more often;
    one that is `level` comes after it for that, or for its rank."""
    others = [row for row in finished if best and row is not best]
    sides = {"ahead": 1, "level": 0}
    return {
        side: [row["trial"] for row in others if best and np.sign(row["val_mean"] - best["val_mean"]) == sign]
        for side, sign in sides.items()
    }


def _judged(row: Row, name: str, n: int) -> Row:
    """A row with a difference, over n trainings, and its interval; and with its `sign_of_difference`."""
    if name not in row:
        return row
    values = (row[column] for column in (name, f"{name}_low", f"{name}_high"))
    mean, low, high = (math.nan if value is None else float(value) for value in values)
    return {**row, f"{name}_sign": sign_of_difference(mean, low, high, n)}


def _learned(analysis: Analysis) -> Row:
    """Whether the confirmed best recognises more than a guess. That is asked of its own networks, not of
    others that it might have, so images count, and one network may do."""
    rows, guess = analysis.replication.confirmed, analysis.held_out.commonest
    for row in rows[rows["trial"] == analysis.replication.best].to_dict("records"):
        ahead, low, high = (row[name] - guess for name in ("held_out", "held_out_low", "held_out_high"))
        return {"guess": guess, "learned": sign_of_difference(ahead, low, high, len(analysis.held_out.t)) > 0}
    return {"guess": guess, "learned": False}


def _confusion(confusion: NDArray[np.float64]) -> Row | None:
    """The class that is most often taken for another, with the share, and how many pairs of classes tie with
    it; and those read best and worst."""
    shares = np.round(confusion, 4)  # before any comparison: further digits differ between machines
    right = shares.diagonal().tolist()
    wrong = shares - np.diag(right)
    if not wrong.max() > 0:
        return None
    digit, taken_for = divmod(int(wrong.argmax()), len(wrong))
    best, worst = ([k for k, share in enumerate(right) if share == end(right)] for end in (max, min))
    return {
        "digit": digit,
        "taken_for": taken_for,
        "share": wrong.max().item(),
        "tied": int((wrong == wrong.max()).sum()) - 1,
        "read_best": best,
        "best_share": max(right),
        "read_worst": worst,
        "worst_share": min(right),
    }


def _budget(search: Search, images: int) -> Row | None:
    """What the last doubling of trials brought, if they are independent; else when the last gain came.

    `helps` says whether it brought more than chance explains among the `equal` trials that cannot be
    distinguished from the best: more than `limit`, which chance rarely exceeds (`chance_gain_of_doubling`).
    None: the trials are too few to say.
    """
    budget = search.budget
    if len(budget) < 2:
        return None
    last = _rows(budget.tail(1))[0]
    if "best" in budget:
        if last["best"] is None:
            return None
        first = next(row for row in _rows(budget) if row["best"] == last["best"])
        return {**last, "last_gain": first["trials"]}
    half = _rows(budget[budget["trials"] == last["trials"] // 2])[0]
    gain = round(last["expected"] - half["expected"], 6)
    ranking = search.ranking
    scores = ranking["val_acc"].where(ranking["status"] != "diverged", 0.0).fillna(0.0)
    close = ranking["trial"].isin(search.contenders)
    equal = scores[close]
    chance_gain = round(chance_gain_of_doubling(equal, images, scores[~close]), 9)
    limit = round(RARELY_EXCEEDED * chance_gain, 6)
    helps = gain > limit if last["trials"] >= ENOUGH else None
    gains = {"gain": gain, "equal": len(equal), "chance_gain": chance_gain, "limit": limit, "helps": helps}
    return {**last, "half": half["trials"], **gains}


def _edits(search: Search, settings: Settings, edits: Mapping[str, Edit]) -> Row:
    """The ranges to write in params.yaml: wider ones, where the best lie at an end; and for another round."""
    present, wider, following = settings["search"]["space"], edits["wider"], edits["next"]
    advised = [row["name"] for row in _rows(search.space) if row["advice"]]
    return {
        "wider": space_as_yaml({name: wider.space[name] for name in advised}) if advised else "",
        "next": space_as_yaml(following.space),
        # Not those that another round would only widen, as the edit before does
        "moved": [
            name for name in present if following.space[name] not in (present[name], wider.space[name])
        ],
        "shared": {"wider": wider.shared, "next": following.shared},
        "planned": following.trials,
    }
