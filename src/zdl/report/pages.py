"""The pages and figures under reports/, as bytes: `reports/README.md`, its translation, and what they show.

The same search gives the same bytes: no time, host, path or duration.
"""

from collections.abc import Sequence

from matplotlib.figure import Figure

from zdl.analysis import recommendations
from zdl.analysis.ranking import important_axes
from zdl.analysis.results import Analysis, Settings, analyse
from zdl.analysis.surrogate import MODELLED, surface
from zdl.artifacts.schemas import SHAPE
from zdl.report import figures
from zdl.report.context import Words, context
from zdl.report.markdown import render
from zdl.search.rounds import history

PAGES = {"README.md": 100, "README.ja.md": None}  # each page, and the width of its paragraphs


def pages(
    settings: Settings,
    table: bytes,
    replicates: Sequence[bytes],
    baseline: bytes,
    held_out: bytes,
    *,
    words: Words,
) -> dict[str, bytes]:
    """The files of the pages and of their figures, by name. They are computed from the results, not from the
    published tables: people may edit those, and another run may be replacing them."""
    analysis = analyse(settings, table, replicates, baseline, held_out)
    edits = {
        which: recommendations.edit(settings, analysis.search.space, which) for which in ("wider", "next")
    }
    facts = context(settings, analysis, edits, words)
    drawn = _figures(settings, analysis, words["en"]["class"])
    return {
        **{name: render(name, facts, width).encode() for name, width in PAGES.items()},
        **{f"{name}.png": figures.png(figure) for name, figure in drawn.items()},
        **{f"{name}.svg": figures.svg(figure) for name, figure in drawn.items()},
    }


def _figures(settings: Settings, analysis: Analysis, label_word: str) -> dict[str, Figure]:
    """Every figure, by the name of its files."""
    search, replication = analysis.search, analysis.replication
    mistakes = replication.mistakes
    mistaken = analysis.held_out.x[mistakes["image"].tolist()].reshape(len(mistakes), *SHAPE)
    return {
        "best20": figures.best20(search.curves, search.ranking),
        "search": _search_map(settings, analysis),
        "slices": figures.slices(search.ranking, settings["search"]["space"], settings["report"]["best"]),
        "budget": figures.budget(search.budget),
        "confirmed": figures.confirmed(
            replication.confirmed, replication.scores, replication.curves, replication.linear
        ),
        "mistakes": figures.mistakes(replication.confusion, mistakes, mistaken, replication.best, label_word),
    }


def _search_map(settings: Settings, analysis: Analysis) -> Figure:
    """The figure of the whole search, over the two hyper-parameters that matter most: a grid's cells, or dots
    over the scores that a surrogate predicts between them."""
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
