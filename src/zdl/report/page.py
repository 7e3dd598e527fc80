"""The pages: `reports/README.md` and its translations, which say what the search found.

The facts are computed once, as plain values; each page is a template under `zdl/report/templates/` that words
them, so that all tell the same, and a translator edits a file that reads like the page. The same search gives
the same bytes: no time, host, path or duration.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from numpy.typing import NDArray

from zdl.analysis.ranking import CROWDED, PUBLISHED, important_axes, map_axes, top
from zdl.analysis.statistics import SELDOM, luck_of_doubling
from zdl.report.formatting import FILTERS, accuracy, short, tidy

TEMPLATES = Path(__file__).parent / "templates"  # a page's name and .j2
PAGES = {"README.md": 100, "README.ja.md": None}  # each page, and the width of its paragraphs, by `tidy`
MEASURED = ("at_low", "at_high", "all_low", "all_high", "p_low", "p_high", "rho", "p_effect", "importance")
ENOUGH = 20  # trials, to tell what more of them would bring
NOT_TEXT = ("true", "false", "null", "yes", "no", "on", "off", "y", "n")  # what YAML takes for something else


@dataclass(frozen=True)
class Findings:
    """What is known of a search beyond its ranking: the tables of `zdl.analysis.significance`,
    `zdl.analysis.recommendations` and `zdl.analysis.replication`.

    All accuracies are shares, in [0, 1]. If no trial finished, all tables may be empty; if nothing was
    confirmed, all from `confirmed` on are.
    """

    leaders: pd.DataFrame  # a row for each of the best: intervals, ties, chances to be best, tests
    contenders: Sequence[int]  # the trials that cannot be told from Best-1, itself the first
    budget: pd.DataFrame  # by the number of trials: expected, low, high; or, of other methods, best so far
    space: pd.DataFrame  # a row a hyper-parameter: where the best lie, effects, the ranges to go on with
    kept: Mapping[str, tuple[int, int]]  # how many trials the edits "wider" and "next" keep, of how many
    held_out: int  # images that no trial ever saw
    guess: float  # the share of them that are of the commonest kind: to name it always recognises as many
    confirmed: pd.DataFrame  # a row for each trial that was trained again
    survivor: int | None  # the trial among them that is the best by its repeats
    rivals: pd.DataFrame  # a row for each other: whether the survivor recognises more, 1, 0 or -1
    confusion: NDArray[np.float64]  # (CLASSES, CLASSES): the share of class i's held-out images taken for j
    baseline: Mapping[str, float]  # a linear model's accuracies on the same splits
    beside: Mapping[str, float]  # how much more the survivor recognises than that, with the interval


def pages(
    ranking: pd.DataFrame,
    metrics: Mapping[str, Any],
    settings: Mapping[str, Any],
    found: Findings,
    facts: Mapping[str, str],
    *,
    words: Mapping[str, Mapping[str, str]],
) -> dict[str, str]:
    """The report as Markdown: the text of each page in PAGES, by its name.

    `ranking` and `metrics` as `zdl.analysis.ranking` gives them, `settings` validated. `facts` is what else
    made the numbers, shown as it stands: ``{"data": "<SHA-256 of the split>", "numpy": "2.4.6"}``; further
    keys are shown under their own names. `words` has the words for the images, by language, as
    `zdl.data.mnist.WORDS`. Links are relative to the page, to files of its own directory.
    """
    axes = important_axes(ranking, settings["search"]["space"], found.space)
    context = {
        "settings": settings,
        "space": settings["search"]["space"],
        "yaml": as_yaml(settings),
        "made_from": facts,
        "words": words,
        "search": metrics["search"],
        "method": _method(metrics["search"], settings["search"]),
        "best": _best(metrics, settings),
        "published": min(len(ranking), PUBLISHED),
        "cells": len(axes) == 2 and len(ranking.dropna(subset=axes)) > CROWDED,  # or dots would hide others
        "leaders": _leaders(ranking, settings, found.leaders),
        "alike": len(found.contenders) - 1,
        "searched": _searched(ranking, settings, found.space),
        "surface": settings["search"]["method"] == "bayes" and _modelled(ranking, settings),
        "lines": settings["search"]["method"] in ("random", "halton") and _modelled(ranking, settings),
        "partial": bool(ranking[axes].isna().any(axis=None)),  # in some trials one of the axes plays no part
        "held_out": found.held_out,
        "guess": found.guess,
        **_confirmed(found),
        "budget": _budget(found, ranking, metrics["search"]["val_images"]),
        "judged": bool(found.space["p_effect"].notna().any()) if len(found.space) else False,
        "unruly": 3 * metrics["search"]["diverged"] > metrics["search"]["trials"],
        **_next(settings, found),
        "confusion": _confused(found.confusion) if len(found.confirmed) else None,
    }
    return {
        name: tidy(templates().get_template(f"{name}.j2").render(context), width)
        for name, width in PAGES.items()
    }


@cache
def templates() -> Environment:
    """The templates' environment: a name that a template has wrong is an error, and nothing is escaped."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        autoescape=False,  # Markdown, from validated settings
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= FILTERS
    return environment


def _best(metrics: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any] | None:
    """The best trial; None if no trial finished."""
    best, images = metrics["best"], metrics["search"]["val_images"]
    if best["trial"] is None:
        return None
    space = settings["search"]["space"]
    point = {name: best[name] for name in space if best.get(name) is not None}
    return {**best, "correct": round(best["val_acc"] * images), "point": point}


def _method(counts: Mapping[str, Any], search: Mapping[str, Any]) -> str:
    """How the points were chosen: at random, too, where a search that learns had but its first round."""
    only_first = search["method"] == "bayes" and counts["trials"] <= search["batch"]
    return "random" if only_first else str(search["method"])


def _leaders(
    ranking: pd.DataFrame, settings: Mapping[str, Any], leaders: pd.DataFrame
) -> list[dict[str, Any]]:
    """The best trials, a row each; accuracies as texts, with as many decimals each."""
    best = top(ranking, settings["report"]["best"])
    if best.empty:
        return []
    names = [name for name in settings["search"]["space"] if name in ranking]
    texts = {name: _accuracies(best[name].tolist()) for name in ("val_acc", "train_acc", "final_val_acc")}
    known = {row["trial"]: row for row in _rows(leaders)}
    return [
        {
            **known[trial],
            "rank": best["rank"].iloc[k],
            **{name: column[k] for name, column in texts.items()},
            "point": {name: best[name].iloc[k] for name in names},
        }
        for k, trial in enumerate(best["trial"].tolist())
    ]


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """A table's rows as plain values, None for a blank."""
    records = [dict(zip(frame.columns, row, strict=True)) for row in frame.itertuples(index=False, name=None)]
    return [_plain(row) for row in records]


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: None if pd.isna(cell) else cell for name, cell in row.items()}


def _accuracies(values: Sequence[float]) -> list[str]:
    """Accuracies with as many decimals each, so that a column of them stands straight."""
    texts = [accuracy(value) for value in values]
    width = max(map(len, texts))
    return [text if text == "–" else text.ljust(width, "0") for text in texts]


def _searched(
    ranking: pd.DataFrame, settings: Mapping[str, Any], space: pd.DataFrame
) -> list[dict[str, Any]]:
    """What was searched, what the best trials have of it, and what that tells: a row a hyper-parameter, with
    the columns of `zdl.analysis.recommendations.space`. Where a range is to be widened, or scores fall before
    its end, `best_there` of the best lie at that end, which has p `p_there` by chance. `unchecked` says that
    trials were too few to ask that of either end."""
    known = {row["name"]: row for row in _rows(space)}
    rows = []
    for name, spec in settings["search"]["space"].items():
        blank = {"advice": "", "falls": "", "effect": False, "best": 0, **dict.fromkeys(MEASURED)}
        row = {**blank, **known.get(name, {})}
        best = top(ranking, len(ranking)).get(name, pd.Series(dtype="float64")).dropna()
        end = {"up": "high", "down": "low"}.get(row["advice"] or row["falls"])
        rows.append(
            {
                **row,
                "name": name,
                "spec": spec,
                "found": _found(best.head(int(row["best"])).tolist(), spec),
                "best_there": round(row[f"at_{end}"] * row["best"]) if end else None,
                "p_there": row[f"p_{end}"] if end else None,
                "unchecked": "options" not in spec and row["p_low"] is None and row["p_high"] is None,
            }
        )
    return rows


def _found(values: Sequence[Any], spec: Mapping[str, Any]) -> list[Any]:
    """The least and the greatest of numbers, or how often each option: [["sgd", 2], ["adam", 1]]."""
    if not values:
        return []
    if "options" not in spec:
        return [min(values), max(values)]
    texts = [short(value) for value in values]
    return [[option, texts.count(option)] for option in map(short, spec["options"]) if option in texts]


def _modelled(ranking: pd.DataFrame, settings: Mapping[str, Any]) -> bool:
    """Whether a map of the search can show what a model expects: there is a number to draw it over, and a
    score."""
    space = settings["search"]["space"]
    return "options" not in space[map_axes(ranking, space)[0]] and not top(ranking, 1).empty


def _confirmed(found: Findings) -> dict[str, Any]:
    """What survived: the trials that were trained again; the best of them, and how it compares with the
    others; how much was lost of what Best-1 had; and how a linear model compares."""
    rows = _rows(found.confirmed)
    through = [row for row in rows if row["val_mean"] is not None]
    others = _rows(found.rivals)
    return {
        "confirmed": rows,
        "again": next((row for row in rows if row["trial"] == found.survivor), None),
        "rivals": {
            by: {sign: [row["trial"] for row in others if row[by] == sign] for sign in (1, 0, -1)}
            for by in ("val", "held_out")
        },
        "first": next((row for row in through if row["rank"] == 1), None),
        "linear": _plain(found.baseline),
        "beside": _plain(found.beside),
    }


def _budget(found: Findings, ranking: pd.DataFrame, images: int) -> dict[str, Any] | None:
    """What the last doubling of trials brought, if they are independent; else when the last gain came.

    `helps` says whether it brought more than luck explains among the `equal` trials that cannot be told from
    the best: more than the `limit` that this seldom goes beyond (`zdl.analysis.statistics.luck_of_doubling`).
    None: too few trials to tell.
    """
    budget = found.budget
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
    equal = ranking[ranking["trial"].isin(found.contenders)]["val_acc"].to_numpy(dtype=np.float64)
    luck = round(luck_of_doubling(equal, images), 9)
    limit = round(SELDOM * luck, 6)
    helps = gain > limit if last["trials"] >= ENOUGH else None
    told = {"gain": gain, "equal": len(equal), "luck": luck, "limit": limit, "helps": helps}
    return {**last, "half": half["trials"], **told}


def _next(settings: Mapping[str, Any], found: Findings) -> dict[str, Any]:
    """The ranges to write in params.yaml: wider ones, where the best lie at an end; and for another round."""
    wider, on, moved = {}, {}, []
    known = {row["name"]: row for row in _rows(found.space)}
    for name, spec in settings["search"]["space"].items():
        row = known.get(name, {"advice": "", "next_low": None})
        on[name] = spec
        if row["advice"]:
            wider[name] = _ranged(spec, row["wider_low"], row["wider_high"])
        if row["next_low"] is not None and "options" not in spec:
            on[name] = _ranged(spec, row["next_low"], row["next_high"])
            moved += [name] if on[name] != spec else []
    return {
        "wider": "\n".join(_space(wider)) if wider else "",
        "next": "\n".join(_space(on)),
        "moved": moved,
        "kept": {edit: kept for edit, (kept, _) in found.kept.items()},
        "planned": found.kept["next"][1],
    }


def _ranged(spec: Mapping[str, Any], low: float, high: float) -> dict[str, Any]:
    kind = int if spec["distribution"] == "int_uniform" else float
    return {**spec, "low": kind(low), "high": kind(high)}


def _space(space: Mapping[str, Any]) -> list[str]:
    return ["  space:", *(f"    {name}: {_yaml(spec)}" for name, spec in space.items())]


def _confused(confusion: NDArray[np.float64]) -> dict[str, Any] | None:
    """The class that is most often taken for another, with the share; and those read best and worst."""
    shares = np.round(confusion, 4)  # before any comparison: beyond that, digits are of the machine
    right = shares.diagonal().tolist()
    wrong = shares - np.diag(right)
    if not wrong.max() > 0:
        return None
    digit, taken_for = divmod(int(wrong.argmax()), len(wrong))
    best, worst = right.index(max(right)), right.index(min(right))
    return {
        "digit": digit,
        "taken_for": taken_for,
        "share": wrong.max().item(),
        "read_best": best,
        "best_share": right[best],
        "read_worst": worst,
        "worst_share": right[worst],
    }


def as_yaml(settings: Mapping[str, Any]) -> str:
    """The settings in the shape of params.yaml; values that the search replaces are marked."""
    space = settings["search"]["space"]
    searched = {"hidden_sizes" if name.startswith("hidden_") else name for name in space}
    lines = []
    for section, values in settings.items():
        lines.append(f"{section}:")
        for key, value in values.items():
            if key == "space":
                lines += _space(value)
            else:
                mark = "  # searched instead" if key in searched and section != "search" else ""
                lines.append(f"  {key}: {_yaml(value)}{mark}")
    return "\n".join(lines)


def _yaml(value: Any) -> str:
    """One value on one line, a number for every reader of YAML (1.0e-06: YAML 1.1 takes 1e-06 for text)."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_yaml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_yaml, value)) + "]"
    if isinstance(value, float):
        return re.sub(r"^(-?\d+)e", r"\1.0e", repr(value))
    if isinstance(value, str) and re.fullmatch("[a-z][a-z0-9_]*", value) and value not in NOT_TEXT:
        return value
    return json.dumps(value, ensure_ascii=False)
