"""The figures under reports/: a function each, from the results of a search to the bytes of its two files.

Each function computes only the tables that it draws, so an edit of the code redraws only the figures that it
affects. Imports are inside the functions, as every process that names files imports this module.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from zdl.artifacts.encoding import decode_json, decode_npz
from zdl.data.scores import Score

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from zdl.analysis.results import Settings
    from zdl.report.figures.scale import Scale

Files = dict[str, bytes]
OF_TRIALS = ("best20", "search", "slices", "budget")
OF_REPLICATES = {  # with their inputs besides the settings and the trials
    "confirmed": ("replicates", "baseline", "held_out"),
    "mistakes": ("replicates", "held_out", "words", "image"),
}


def best20(settings: "Settings", table: bytes) -> Files:
    """The learning curves of the best trials."""
    from zdl.analysis.ranking import curves
    from zdl.report.figures.best20 import best20 as draw

    trials, ranking = _ranked(settings, table)
    best = curves(trials, ranking, settings["report"]["best"])
    return _files("best20", draw(best, ranking, _scale(settings, best["val_acc"], best["train_acc"])))


def search(settings: "Settings", table: bytes) -> Files:
    """The whole search over the two most important hyper-parameters: the cells of a grid, or dots over the
    scores that a surrogate predicts."""
    from zdl.analysis import recommendations
    from zdl.analysis.ranking import important_axes
    from zdl.analysis.significance import contenders
    from zdl.analysis.surrogate import MODEL_TRIALS, observations, surface
    from zdl.config.checks import HALVINGS, PROPOSING
    from zdl.report.figures.heat_map import heat_map
    from zdl.report.figures.search_map import search_map
    from zdl.report.figures.surface_map import surface_map

    search, best, space = settings["search"], settings["report"]["best"], settings["search"]["space"]
    trials, ranking = _ranked(settings, table)
    scale = _scale(settings, _finished_scores(ranking))
    if search["method"] == "grid":
        return _files("search", heat_map(ranking, space, best, scale))
    history = observations(trials["trials"], search)
    importance = recommendations.space(ranking, settings, contenders(trials, ranking), history)
    names = important_axes(ranking, space, importance)
    if search["method"] in PROPOSING:
        prediction = surface(search, history, *names)
        figure = surface_map(ranking, space, prediction, search["batch"], best, names=names, scale=scale)
    else:
        is_halving = search["method"] in HALVINGS  # scores after different epochs have no common surface
        contours = None if is_halving else surface(search, history[:MODEL_TRIALS], *names)
        figure = search_map(ranking, space, best, surface=contours, names=names, scale=scale)
    return _files("search", figure)


def slices(settings: "Settings", table: bytes) -> Files:
    """Each hyper-parameter by itself."""
    from zdl.analysis.significance import contenders
    from zdl.report.figures.slices import slices as draw

    trials, ranking = _ranked(settings, table)
    scale = _scale(settings, _finished_scores(ranking))
    figure = draw(ranking, settings["search"]["space"], contenders(trials, ranking), scale)
    return _files("slices", figure)


def budget(settings: "Settings", table: bytes) -> Files:
    """How good the best of a given number of trials is."""
    from zdl.analysis import significance
    from zdl.report.figures.budget import budget as draw

    trials, ranking = _ranked(settings, table)
    scale = _scale(settings, _finished_scores(ranking))
    return _files("budget", draw(significance.budget(trials, ranking, settings), scale))


def confirmed(
    settings: "Settings", table: bytes, replicates: Sequence[bytes], baseline: bytes, held_out: bytes
) -> Files:
    """What the replicates of the best trials score."""
    from zdl.analysis import replication
    from zdl.analysis.baseline import baseline_scores
    from zdl.analysis.outcomes import interval, replicates_by_trial
    from zdl.report.figures.confirmed import confirmed as draw

    trials, ranking = _ranked(settings, table)
    outcomes, t = replicates_by_trial(replicates, trials["trials"]), decode_npz(held_out)["t"]
    rows = replication.confirmed(outcomes, ranking, t, partial(interval, trials["trials"]))
    curves = replication.curves(outcomes, replication.confirmed_best(rows))
    linear = baseline_scores(decode_json(baseline))
    scale = _scale(settings, curves["val_acc"], curves["train_acc"], [linear["val_mean"]])
    figure = draw(rows, replication.scores(outcomes, ranking, t), curves, linear, scale)
    return _files("confirmed", figure)


def mistakes(
    settings: "Settings",
    table: bytes,
    replicates: Sequence[bytes],
    held_out: bytes,
    *,
    words: Mapping[str, Mapping[str, Any]],
    image: Sequence[int],
) -> Files:
    """The confusions of the confirmed best, or in regression its answers; and its worst rows, as images if
    `image` is their shape."""
    from zdl.analysis import mistakes, replication
    from zdl.analysis.outcomes import interval, replicates_by_trial
    from zdl.report.figures.errors import errors as draw_errors
    from zdl.report.figures.mistakes import mistakes as draw

    trials, ranking = _ranked(settings, table)
    outcomes, rows = replicates_by_trial(replicates, trials["trials"]), decode_npz(held_out)
    t, classes = rows["t"], rows["classes"].tolist()
    confirmed_rows = replication.confirmed(outcomes, ranking, t, partial(interval, trials["trials"]))
    best = replication.confirmed_best(confirmed_rows)
    worst_rows = (mistakes.mistakes if classes else mistakes.errors)(outcomes, best, t)
    places = worst_rows["row"].tolist()
    details = (
        rows["x"][places].reshape(len(worst_rows), *image)
        if image
        else mistakes.deviations(rows["x"], places, rows["columns"].tolist())
    )
    if not classes:
        answers = mistakes.mean_answers(outcomes, best)
        return _files("mistakes", draw_errors(t, answers, worst_rows, details, best, words=words["en"]))
    confusion = mistakes.confusion(outcomes, best, t, len(classes))
    return _files("mistakes", draw(confusion, worst_rows, details, best, words=words["en"], classes=classes))


def _ranked(settings: "Settings", table: bytes) -> "tuple[Mapping[str, Any], pd.DataFrame]":
    """The trials, and their ranking."""
    from zdl.analysis.ranking import rank

    trials = decode_json(table)
    return trials, rank(trials, settings["search"]["space"])


def _scale(settings: "Settings", *scores: "Iterable[float]") -> "Scale":
    """The scale on which these scores of a search are drawn."""
    from zdl.report.figures.scale import Scale

    return Scale.of(Score.of(settings["search"]), *scores)


def _finished_scores(ranking: "pd.DataFrame") -> "pd.Series[float]":
    return ranking["val_acc"][ranking["status"] != "diverged"]


def _files(name: str, figure: "Figure") -> Files:
    from zdl.report.figures.base import png, svg

    return {f"{name}.png": png(figure), f"{name}.svg": svg(figure)}
