"""The data of the page of `make explore`, as JSON-ready values."""

import io
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from zdl.analysis import recommendations
from zdl.analysis.outcomes import Labels, Outcome, Replicates, held_out_scores
from zdl.analysis.ranking import important_axes
from zdl.analysis.results import Settings
from zdl.analysis.significance import contenders
from zdl.analysis.surrogate import MODEL_TRIALS, observations, surface
from zdl.data.scores import Score
from zdl.report.formatting import title
from zdl.report.sides import Side
from zdl.search.curves import scores
from zdl.search.samplers import HALVINGS, History

MOST = 3  # numeric hyper-parameters with surfaces; the surface of each pair takes a second
STEPS = 40  # values along each side of a surface
Column = dict[str, Any]
SCORES = {
    "val_acc": ("validation {}", "{}（検証データ）"),
    "train_acc": ("training {}", "{}（訓練データ）"),
}


def search_payload(
    settings: Settings,
    trials: Sequence[Mapping[str, Any]],
    ranking: pd.DataFrame,
    replicates: Replicates,
    t: Labels,
    *,
    titles: Mapping[str, str],
) -> dict[str, Any]:
    """All trials of a search, the best first. `replicates` are those of the best trials, `t` the labels of
    the held-out rows, `titles` the names of the hyper-parameters in Japanese."""
    space, score = settings["search"]["space"], Score.of(settings["search"])
    curves = [trials[place]["outcome"]["curve"] for place in ranking["trial"].tolist()]
    history = observations(trials, settings["search"])
    importance = recommendations.space(ranking, settings, contenders({"trials": trials}, ranking), history)
    axes = important_axes(ranking, space, importance)
    return {
        "trials": ranking["trial"].tolist(),
        "diverged": (ranking["status"] == "diverged").astype(int).tolist(),
        "score": score_names(score),
        "columns": columns(ranking, space, titles=titles, score=score),
        "axes": axes if len(axes) > 1 else [*axes, "val_acc"],
        "sizes": [curves[0]["val_size"], curves[0]["train_size"]] if curves and score.counts else [1, 1],
        "val": [curve["val_correct" if score.counts else "val"] for curve in curves],
        "train": [curve["train_correct" if score.counts else "train"] for curve in curves],
        "replicates": {
            trial: [_replicate(outcome, t) for outcome in outcomes] for trial, outcomes in replicates.items()
        },
        "modelled": min(MODEL_TRIALS, len(trials)),
        "surfaces": _surfaces(settings["search"], history[:MODEL_TRIALS], most_important(importance, space)),
    }


def review_payload(old: Side, new: Side, curves: Sequence[bytes | None]) -> dict[str, Any]:
    """The published trials of two revisions; a trial of both appears once. `curves` are the contents of each
    one's reports/curves.csv, None where a commit has none."""
    pairs = [list(zip(side.ranking["key"], side.ranking["result"], strict=True)) for side in (old, new)]
    common_pairs = {*pairs[0]} & {*pairs[1]}
    old_trials = old.ranking[[pair not in common_pairs for pair in pairs[0]]].assign(side=old.name)
    new_trials = new.ranking.assign(side=["both" if pair in common_pairs else new.name for pair in pairs[1]])
    trials = pd.concat([old_trials, new_trials]).sort_values("rank", kind="stable")
    spaces = (side.settings["search"]["space"] for side in (old, new))
    data_columns = columns(trials, *spaces, titles={}, score=new.score)
    sides = dict.fromkeys([old.name, "both", new.name])
    curves_by_side = {old.name: _curves(curves[0]), new.name: _curves(curves[1])}
    curves_by_side["both"] = curves_by_side[new.name]
    trial_curves = [
        curves_by_side[side].get(trial) for side, trial in zip(trials["side"], trials["trial"], strict=True)
    ]
    return {
        "trials": trials["trial"].tolist(),
        "ranks": trials["rank"].tolist(),
        "diverged": (trials["status"] == "diverged").astype(int).tolist(),
        "score": score_names(new.score),
        "columns": [_side_column(list(sides), trials["side"].tolist()), *data_columns],
        "axes": [column["name"] for column in data_columns][:2],
        "sizes": [1, 1],  # the curves of a commit are shares already
        "val": [curve and curve["val_acc"] for curve in trial_curves],
        "train": [curve and curve["train_acc"] for curve in trial_curves],
        "replicates": {},
        "surfaces": [],
        "partial": old.partial or new.partial,
    }


def _side_column(options: list[str], values: list[str]) -> Column:
    labels = {"both": ("both", "両方")}
    column = {"name": "side", "title": ("revision", "リビジョン"), "scale": "options", "labels": labels}
    return column | {"options": options, "values": values}


def _curves(table: bytes | None) -> dict[int, Any]:
    """The learning curves of a curves.csv, by the place of the trial."""
    if table is None:
        return {}
    groups = pd.read_csv(io.BytesIO(table)).groupby("trial")
    return {int(str(trial)): rows[[*SCORES]].to_dict("list") for trial, rows in groups}


def score_names(score: Score) -> tuple[str, str]:
    """The name of a score in English and in Japanese."""
    return score.title, "正解率" if score.counts else score.title


def columns(
    ranking: pd.DataFrame,
    *spaces: Mapping[str, Any],
    titles: Mapping[str, str],
    score: Score,
) -> list[Column]:
    """A column for each hyper-parameter and score: its title, its scale, and its value in each trial."""
    names = dict.fromkeys(name for space in spaces for name in space if name in ranking)
    hyperparameters = [
        _hyperparameter(name, [space[name] for space in spaces if name in space], ranking, titles)
        for name in names
    ]
    finished = ranking[ranking["status"] != "diverged"]
    ends = score.ends(finished[[*SCORES]].to_numpy("float64").ravel())
    scores = [
        {
            "name": name,
            "title": [text.format(word) for text, word in zip(words, score_names(score), strict=True)],
            "scale": "linear",
            "ends": ends,
            "values": _values(ranking[name]),
        }
        for name, words in SCORES.items()
    ]
    return hyperparameters + scores


def _hyperparameter(
    name: str, specs: Sequence[Mapping[str, Any]], ranking: pd.DataFrame, titles: Mapping[str, str]
) -> Column:
    words = (title(name), titles.get(name, title(name)))
    column: Column = {"name": name, "title": words, "values": _values(ranking[name])}
    if any("options" in spec for spec in specs):
        options = dict.fromkeys(str(option) for spec in specs for option in spec.get("options", ()))
        column["values"] = [None if value is None else str(value) for value in column["values"]]
        options |= dict.fromkeys(value for value in column["values"] if value is not None)
        return column | {"scale": "options", "options": list(options)}
    log = all(spec["distribution"] == "log_uniform" for spec in specs)
    ends = [min(spec["low"] for spec in specs), max(spec["high"] for spec in specs)]
    return column | {"scale": "log" if log else "linear", "ends": ends}


def most_important(importance: pd.DataFrame, space: Mapping[str, Any]) -> list[str]:
    """The numeric hyper-parameters that matter most, in the order of the space."""
    names = importance.sort_values("importance", ascending=False, kind="stable")["name"].tolist()
    numeric = [name for name in names if "options" not in space[name]][:MOST]
    return [name for name in space if name in numeric]


def _surfaces(search: Mapping[str, Any], history: History, names: Sequence[str]) -> list[dict[str, Any]]:
    """The scores that a surrogate predicts over each pair of hyper-parameters; none if no trial finished."""
    surfaces: list[dict[str, Any]] = []
    if search["method"] in HALVINGS:  # scores after different epochs have no common surface
        return surfaces
    for pair in itertools.combinations(names, 2):
        ticks, expected = surface(search, history, *pair, steps=STEPS)
        if not np.isnan(expected).any():
            x, y = (axis.tolist() for axis in ticks)
            surfaces.append({"names": pair, "x": x, "y": y, "expected": expected.round(3).tolist()})
    return surfaces


def _replicate(outcome: Outcome, t: Labels) -> dict[str, Any]:
    held_out = None if outcome["held_out"] is None else held_out_scores([outcome], t).mean()[0]
    held_out, *val = (
        score and float(f"{score:.4g}") for score in (held_out, *scores(outcome["curve"], "val"))
    )
    return {"val": val, "diverged": outcome["status"] == "diverged", "held_out": held_out}


def _values(column: "pd.Series[Any]") -> list[Any]:
    return [None if pd.isna(value) else value for value in column.tolist()]
