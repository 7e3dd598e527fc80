"""The report, computed: from the bytes of earlier files to the bytes of the files under reports/.

`tables`, `full_ranking` and `pages` are what the steps `rank` and `render` compute. Each finds its tables
anew in the records, and not in what was published: that is for people, who may edit it, and a rival run may
be replacing it.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from zdl.analysis import ranking, recommendations, replication, significance
from zdl.analysis.surrogate import MODELLED, surface
from zdl.artifacts.encoding import decode_json, decode_npz, digest_of_arrays
from zdl.artifacts.schemas import SHAPE
from zdl.report import figures, page
from zdl.search.distributions import stream
from zdl.search.rounds import history

TABLES = ("ranking", "curves", "leaders", "space", "budget", "confirmed")

Settings = Mapping[str, Any]


class Found(NamedTuple):
    """What a search found, and what survived."""

    made_from: dict[str, str]  # what decided the numbers, besides the settings
    held_out: Mapping[str, NDArray[Any]]  # images x and their labels t
    trials: list[dict[str, Any]]  # each with its point and outcome
    files: list[dict[str, Any]]  # of the repeats of the best
    ranking: pd.DataFrame
    curves: pd.DataFrame
    leaders: pd.DataFrame
    contenders: list[int]
    space: pd.DataFrame
    budget: pd.DataFrame
    confirmed: pd.DataFrame
    linear: dict[str, Any]  # what linear models make of the same images
    baseline: dict[str, float]  # that as a table has it
    metrics: dict[str, Any]


def find(
    settings: Settings, table: bytes, replicates: Sequence[bytes], baseline: bytes, held_out: bytes
) -> Found:
    """All tables of the report."""
    best = settings["report"]["best"]
    trials, files = decode_json(table), [decode_json(file) for file in replicates]
    linear, unseen = decode_json(baseline), decode_npz(held_out)
    frame = ranking.rank(trials, settings["search"]["space"])
    metrics = ranking.metrics(trials, frame, best)
    survived = replication.confirmed(files, frame, unseen["t"], metrics["search"]["val_images"])
    contenders, linear_row = significance.contenders(trials, frame), replication.baseline(linear)
    rng = np.random.Generator(stream(settings["search"]["seed"], "leaders"))
    return Found(
        made_from={"data": trials["data"], "held_out": digest_of_arrays(unseen), "numpy": np.__version__},
        held_out=unseen,
        trials=trials["trials"],
        files=files,
        ranking=frame,
        curves=ranking.curves(trials, frame, best),
        leaders=significance.leaders(trials, frame, best, rng),
        contenders=contenders,
        space=recommendations.space(frame, settings, contenders),
        budget=significance.budget(trials, frame, settings),
        confirmed=survived,
        linear=linear,
        baseline=linear_row,
        metrics=metrics | {"confirmed": replication.metrics(survived, linear_row)},
    )


def tables(
    settings: Settings, table: bytes, replicates: Sequence[bytes], baseline: bytes, held_out: bytes
) -> dict[str, bytes]:
    """What the search found and what survived, in tables; and in a few numbers."""
    found = find(settings, table, replicates, baseline, held_out)
    frames = {name: getattr(found, name) for name in TABLES}
    frames["ranking"] = found.ranking.head(ranking.PUBLISHED)
    texts = {f"{name}.csv": ranking.csv(frame) for name, frame in frames.items()}
    for name, values in (("metrics", found.metrics), ("made_from", found.made_from)):
        texts[f"{name}.json"] = json.dumps(values, indent=2, allow_nan=False) + "\n"
    return {name: text.encode() for name, text in texts.items()}


def full_ranking(space: Mapping[str, Any], table: bytes) -> dict[str, bytes]:
    """The ranking of all trials, of which reports/ has the first ones."""
    return {"ranking.csv": ranking.csv(ranking.rank(decode_json(table), space)).encode()}


def pages(
    settings: Settings,
    table: bytes,
    replicates: Sequence[bytes],
    baseline: bytes,
    held_out: bytes,
    *,
    words: Mapping[str, Mapping[str, str]],
) -> dict[str, bytes]:
    """The figures, and the pages that show them; `words` are those for the images, by language."""
    found = find(settings, table, replicates, baseline, held_out)
    t = found.held_out["t"]
    survivor = replication.survivor(found.confirmed)
    confusion = replication.confusion(found.files, survivor, t)
    drawn = _figures(settings, found, survivor, confusion, words["en"]["class"])
    edits = {which: recommendations.following(settings, found.space, which) for which in ("wider", "next")}
    findings_ = page.Findings(
        leaders=found.leaders,
        contenders=found.contenders,
        budget=found.budget,
        space=found.space,
        kept={which: recommendations.kept(settings, edit) for which, edit in edits.items()},
        held_out=len(t),
        guess=float(np.bincount(t).max() / len(t)),
        confirmed=found.confirmed,
        survivor=survivor,
        rivals=replication.rivals(found.files, survivor, t),
        confusion=confusion,
        baseline=found.baseline,
        beside=replication.beside_linear(found.files, survivor, t, found.linear),
    )
    texts = page.pages(found.ranking, found.metrics, settings, findings_, found.made_from, words=words)
    return {
        **{name: text.encode() for name, text in texts.items()},
        **{f"{name}.png": figures.png(figure) for name, figure in drawn.items()},
        **{f"{name}.svg": figures.svg(figure) for name, figure in drawn.items()},
    }


def _figures(
    settings: Settings, found: Found, survivor: int | None, confusion: NDArray[np.float64], word: str
) -> dict[str, Figure]:
    t = found.held_out["t"]
    mistakes = replication.mistakes(found.files, survivor, t)
    mistaken = found.held_out["x"][mistakes["image"].tolist()].reshape(len(mistakes), *SHAPE)
    again = replication.again(found.files, found.ranking, t)
    curves = replication.curves(found.files, survivor)
    return {
        "best20": figures.best20(found.curves, found.ranking),
        "search": _search(found, settings),
        "slices": figures.slices(found.ranking, settings["search"]["space"], settings["report"]["best"]),
        "budget": figures.budget(found.budget),
        "confirmed": figures.confirmed(found.confirmed, again, curves, found.baseline),
        "mistakes": figures.mistakes(confusion, mistakes, mistaken, survivor, word),
    }


def _search(found: Found, settings: Settings) -> Figure:
    """The figure of the whole search, over the two hyper-parameters that matter most: a grid's cells, or
    dots over what a model of the scores expects between them."""
    search, best, space = settings["search"], settings["report"]["best"], settings["search"]["space"]
    if search["method"] == "grid":
        return figures.heat_map(found.ranking, space, best)
    names = ranking.important_axes(found.ranking, space, found.space)
    seen = history(*zip(*((row["point"], row["outcome"]) for row in found.trials), strict=True))
    if search["method"] == "bayes":
        expected = surface(search, seen, *names)
        return figures.surface_map(found.ranking, space, expected, search["batch"], best, names=names)
    expected = surface(search, seen[:MODELLED], *names)
    return figures.search_map(found.ranking, space, best, expected=expected, names=names)
