"""The figures under reports/: the names of their files, and what each is drawn from.

Every process that names files imports this module, so it imports what draws only when something is drawn.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from zdl.analysis.results import Analysis, Settings

FIGURES = ("best20", "search", "slices", "budget", "confirmed", "mistakes")


def draw(settings: "Settings", analysis: "Analysis", class_name: str) -> "dict[str, Figure]":
    """Every figure, by the name of its files; `class_name` is the word for what an image shows."""
    from zdl.artifacts.schemas import SHAPE
    from zdl.report import figures

    search, replication = analysis.search, analysis.replication
    mistakes = replication.mistakes
    images = analysis.held_out.x[mistakes["image"].tolist()].reshape(len(mistakes), *SHAPE)
    return {
        "best20": figures.best20(search.curves, search.ranking),
        "search": _search_map(settings, analysis),
        "slices": figures.slices(search.ranking, settings["search"]["space"], settings["report"]["best"]),
        "budget": figures.budget(search.budget),
        "confirmed": figures.confirmed(
            replication.confirmed, replication.scores, replication.curves, replication.linear
        ),
        "mistakes": figures.mistakes(replication.confusion, mistakes, images, replication.best, class_name),
    }


def _search_map(settings: "Settings", analysis: "Analysis") -> "Figure":
    """The figure of the whole search, over the two hyper-parameters that matter most: a grid's cells, or dots
    over the scores that a surrogate predicts between them."""
    from zdl.analysis.ranking import important_axes
    from zdl.analysis.surrogate import MODELLED, surface
    from zdl.report import figures
    from zdl.search.rounds import history

    search, best, space = settings["search"], settings["report"]["best"], settings["search"]["space"]
    ranking, trials = analysis.search.ranking, analysis.search.trials
    if search["method"] == "grid":
        return figures.heat_map(ranking, space, best)
    names = important_axes(ranking, space, analysis.search.space)
    seen = history(*zip(*((row["point"], row["outcome"]) for row in trials), strict=True))
    if search["method"] == "bayes":
        predicted = surface(search, seen, *names)
        return figures.surface_map(ranking, space, predicted, search["batch"], best, names=names)
    predicted = surface(search, seen[:MODELLED], *names)
    return figures.search_map(ranking, space, best, expected=predicted, names=names)
