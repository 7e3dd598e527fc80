"""The figures of a search over its space: of every trial, of what a Bayesian search learnt, and of a grid."""

import importlib
import re

import numpy as np
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
from matplotlib.markers import MarkerStyle

from tests.analysis.test_ranking import record, table
from tests.report import figures
from tests.report.examples import (
    BATCHES,
    BOOK,
    OPTIMIZERS,
    SPACE,
    example,
    heat_map,
    options,
    points,
    search,
    search_map,
    slices,
    surface,
    surface_map,
)
from tests.report.test_figures import labels, texts, words
from zdl.analysis import ranking
from zdl.report.figures.base import DIVERGED
from zdl.report.figures.dots import label_best

# The module: in its package, that name is the function.
SEARCH_MAP = importlib.import_module("zdl.report.figures.search_map")


@pytest.mark.parametrize("name", ["curve of errors", "slices of errors"])
def test_scores_that_would_hide_the_others_are_drawn_at_the_edge(name):
    figure = example(name)
    ax = figure.axes[0]
    low, high = ax.get_ylim()
    assert -100 < low < -87 and -31 < high < -20
    dots = [dots for dots in ax.collections if isinstance(dots, PathCollection)]
    heights = np.concatenate([each.get_offsets()[:, 1] for each in dots])
    assert heights.min() == pytest.approx(low) and heights.max() <= high
    assert ax.get_ylabel().endswith("(lower: at the edge)")


def test_map_shows_every_trial_where_it_lies():
    data = search(diverged=(1, 4))
    figure = search_map(data, best=5)
    frame = ranking.rank(data)
    finished, diverged, ringed = figure.axes[0].collections
    alive = frame[frame["status"] == "finished"].iloc[::-1]
    np.testing.assert_array_equal(finished.get_offsets(), alive[["lr", "weight_decay"]])
    np.testing.assert_array_equal(finished.get_array(), alive["val_acc"])
    assert set(map(tuple, diverged.get_offsets())) == {
        (data["trials"][k]["point"]["lr"], data["trials"][k]["point"]["weight_decay"]) for k in (1, 4)
    }
    np.testing.assert_array_equal(ringed.get_offsets(), alive[["lr", "weight_decay"]].tail(5))
    assert not np.array_equal(diverged.get_paths()[0].vertices, finished.get_paths()[0].vertices)
    (legend,) = figure.legends
    assert words(legend.get_texts()) == ["finished", "diverged (2)", "the best 5"]


def test_map_without_a_finished_trial_has_no_colour_bar():
    (ax,) = search_map(search(3, diverged=(0, 1, 2))).axes
    assert len(ax.collections[0].get_offsets()) == 3


def test_a_crowded_map_shows_the_mean_of_each_cell(monkeypatch):
    monkeypatch.setattr(SEARCH_MAP, "CROWDED", 5)
    monkeypatch.setattr(SEARCH_MAP, "CELLS", (4, 4))
    at = {"low": (1e-6, 1e-8), "edge": (1e-5, 1e-8), "high": (1e-2, 1e-4)}  # 1e-5 is where a cell begins
    scores = [("low", 10), ("low", 30), ("edge", 80), ("high", 50), ("high", 60), ("high", 70), ("low", 0)]
    data = table(
        *(
            record(
                k,
                [score],
                "finished" if k not in (4, 5) else "diverged",
                lr=at[where][0],
                weight_decay=at[where][1],
            )
            for k, (where, score) in enumerate(scores)
        )
    )
    figure = search_map(data, best=2)
    cells, crosses, ringed = figure.axes[0].collections
    means = np.ma.filled(cells.get_array(), -1).reshape(4, 4)
    assert means[0, :2].tolist() == pytest.approx([(0.1 + 0.3 + 0) / 3, 0.8]) and means[3, 3] == 0.5
    assert (means == -1).sum() == 13
    ((x, y),) = crosses.get_offsets()  # two of three diverged
    assert (x, y) == pytest.approx((10**-2.5, 10**-4.5))
    assert len(ringed.get_offsets()) == 2
    (legend,) = figure.legends
    assert words(legend.get_texts()) == ["half or more diverged (2 in all)", "the best 2"]
    assert figure.axes[1].get_ylabel() == "mean validation accuracy"


def test_the_cells_of_a_crowded_map_are_the_same_whatever_the_last_bits(monkeypatch):
    monkeypatch.setattr(SEARCH_MAP, "CROWDED", 5)
    space = {"hidden_width": {"distribution": "int_uniform", "low": 0, "high": 42}, "lr": SPACE["lr"]}
    frame = ranking.rank(
        table(*(record(k, [k % 90], hidden_width=k % 43, lr=1e-3) for k in range(430))), space
    )
    means = []
    for nudge in (-1e-13, 0, 1e-13):
        nudged = frame.assign(hidden_width=frame["hidden_width"] * (1 + nudge))
        cells = figures.search_map(nudged, space).axes[0].collections[0]
        means.append(np.ma.filled(cells.get_array(), -1))
    assert np.array_equal(means[0], means[1]) and np.array_equal(means[1], means[2])


def test_one_hyper_parameter_of_a_crowded_search_is_fainter_dots(monkeypatch):
    monkeypatch.setattr(SEARCH_MAP, "CROWDED", 5)
    dots = search_map(search(30, diverged=(1,)), BATCHES).axes[0].collections[0]
    assert dots.get_alpha() == 1.0 and len(dots.get_offsets()) == 29
    dots = search_map(search(3000, epochs=1), BATCHES).axes[0].collections[0]
    assert dots.get_alpha() == 0.5


def test_map_spans_the_search_on_its_scales():
    ax, bar = example("map").axes
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert (ax.get_xlim(), ax.get_ylim()) == ((1e-6, 1e-2), (1e-8, 1e-4))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("lr", "weight decay")
    assert (bar.get_ylabel(), bar.get_ylim()) == ("validation accuracy", (0, 1))
    space = {**OPTIMIZERS, **BATCHES, "lr": {"distribution": "uniform", "low": 0.0, "high": 1.0}}
    ax = search_map(search(), space).axes[0]
    assert (ax.get_xscale(), ax.get_yscale()) == ("linear", "linear")
    assert (ax.get_xlabel(), ax.get_xlim(), ax.get_ylabel()) == ("batch size", (10, 200), "lr")


def test_map_over_one_numeric_hyper_parameter_shows_accuracy_against_it():
    (ax,) = example("batches").axes
    frame = ranking.rank(search(diverged=(0,))).iloc[::-1]
    alive = frame[frame["status"] == "finished"]
    np.testing.assert_array_equal(ax.collections[0].get_offsets(), alive[["batch_size", "val_acc"]])
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_ylim()) == ("batch size", "validation accuracy", (0, 1))


DIVERGING = search(10, diverged=(1, 4))  # both had reached an accuracy


def before_and_after(*names):
    space = {**SPACE, **BATCHES}
    frame = ranking.rank(DIVERGING, space).assign(side="both", before=np.nan)
    return figures.overlay(frame, (space, space), names)


@pytest.mark.parametrize(
    "draw",
    [
        lambda: search_map(DIVERGING),
        lambda: search_map(DIVERGING, BATCHES),
        lambda: search_map(DIVERGING, OPTIMIZERS),
        lambda: surface_map(DIVERGING),
        lambda: surface_map(DIVERGING, BATCHES),
        lambda: slices(DIVERGING, {**SPACE, **OPTIMIZERS, **BATCHES}),
        lambda: heat_map(BOOK, (1, 4)),
        lambda: before_and_after("lr", "weight_decay"),
        lambda: before_and_after("batch_size"),
    ],
)
def test_trials_that_diverged_are_drawn_alike_in_every_figure(draw):
    figure = draw()
    (handle,) = (each for each in figure.legends[0].legend_handles if each.get_marker() == "x")
    assert (handle.get_color(), handle.get_label()) == (DIVERGED, "diverged (2)")
    for ax in (ax for ax in figure.axes if ax.get_xlabel()):
        (crosses,) = (dots for dots in ax.collections if is_of_crosses(dots))
        assert to_hex(crosses.get_edgecolor()[0]) == DIVERGED.lower()
        assert len(crosses.get_offsets()) == 2
        if ax.get_ylim() == (0, 1):  # accuracies
            assert crosses.get_offsets()[:, 1].tolist() == [0, 0]


def is_of_crosses(dots):
    return isinstance(dots, PathCollection) and np.array_equal(dots.get_paths()[0].vertices, CROSS)


CROSS = MarkerStyle("x").get_path().transformed(MarkerStyle("x").get_transform()).vertices


@pytest.mark.parametrize("values", [["sgd", "momentum", "adam", "nesterov"], [10, 50, 0.5], ["relu", 0.01]])
def test_map_over_a_choice_has_a_strip_for_each_option(values):
    data = table(*(record(k, [50], choice=values[k % len(values)]) for k in range(40)))
    frame = ranking.read(ranking.csv(ranking.rank(data)))  # a ranking from CSV has texts
    (ax,) = figures.search_map(frame, {"choice": options(*values)}).axes
    x = ax.collections[0].get_offsets()[:, 0]
    strips = np.round(x).astype(int)
    assert labels(ax.xaxis) == [str(value) for value in values]
    assert strips.tolist() == [trial % len(values) for trial in frame["trial"].iloc[::-1]]
    assert len(set(x)) == 40  # equal scores lie side by side


def test_map_leaves_out_trials_in_which_an_axis_plays_no_part():
    data = search(6)
    for k in (0, 3, 4):
        del data["trials"][k]["point"]["lr"]
    figure = search_map(data, {**SPACE, **BATCHES}, best=2)
    assert [figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()] == ["weight decay", "batch size"]
    figure = search_map(data, best=2)
    assert figure.texts[0].get_text() == "The whole search: 6 trials (3 without lr not shown)"
    assert len(figure.axes[0].collections[0].get_offsets()) == 3
    assert not figure.axes[0].texts  # Best-1 is not among them


def test_contours_show_what_is_expected_at_every_tenth_above_chance():
    figure = example("contours")  # from 0 to 0.48
    lines = figure.axes[0].collections[0]
    assert lines.levels.tolist() == [0.2, 0.3, 0.4]
    for level, path in zip(lines.levels, lines.get_paths(), strict=True):
        x, y = ((path.vertices - [1e-6, 1e-8]) / [1e-2 - 1e-6, 1e-4 - 1e-8] * 8).T
        np.testing.assert_allclose(0.02 * (x + 2 * y), level)
    assert set(words(figure.axes[0].texts)) >= {"0.2", "0.3"}
    assert words(figure.legends[0].get_texts())[-1] == "expected"


def test_contours_are_few_and_their_numbers_upright():
    figure = search_map(search(), surface=surface(start=0.0, slope=0.04))  # up to 0.96
    numbers = [text for text in figure.axes[0].texts if re.fullmatch(r"0\.\d", text.get_text())]
    assert 1 < len({text.get_text() for text in numbers}) <= 4
    assert {text.get_rotation() for text in numbers} == {0}


@pytest.mark.parametrize("across", [1, 3, 9, 30, -9])
def test_every_contour_has_its_number_inside_the_axes(across):
    """Also one along an edge; one that is too short for a number is not drawn."""
    ticks = [np.geomspace(spec["low"], spec["high"], 41) for spec in SPACE.values()]
    places = np.linspace(0, 1, 41)
    mean = np.add.outer(0.5 + np.arctan(20 * (places - 0.99)) / 4, across / 100 * places)
    figure = search_map(search(), surface=(ticks, mean))
    ax = figure.axes[0]
    lines = [line for path in ax.collections[0].get_paths() for line in path.to_polygons(closed_only=False)]
    numbers = [text for text in texts(figure) if text.axes is ax and re.fullmatch(r"0\.\d", text.get_text())]
    assert 2 <= len(lines) == len(numbers)
    for number in numbers:
        box = number.get_window_extent()
        assert ax.bbox.x0 <= box.x0 and box.x1 <= ax.bbox.x1
        assert ax.bbox.y0 <= box.y0 and box.y1 <= ax.bbox.y1


@pytest.mark.parametrize("away", [(0, 13), (0, -13), (20, 13), (-20, 13), (0, 9)])
def test_the_best_is_named_where_it_covers_no_number_of_a_contour(away):
    data = table(record(0, [90], lr=1e-4, weight_decay=1e-6), record(1, [50], lr=1e-6, weight_decay=1e-8))
    figure = search_map(data)
    ax = figure.axes[0]
    for text in list(ax.texts):
        text.remove()
    spot = ax.transData.transform((1e-4, 1e-6)) + np.array(away) * figure.dpi / 72
    number = ax.text(*ax.transData.inverted().transform(spot), "0.4", ha="center", va="center", fontsize=8)
    label_best(ax, ranking.rank(data, SPACE).assign(x=[1e-4, 1e-6], y=[1e-6, 1e-8]))
    texts(figure)
    _, name = ax.texts
    assert not name.get_window_extent().overlaps(number.get_window_extent())


def test_the_best_is_named_where_it_covers_no_other():
    frame = ranking.rank(search(9), SPACE)
    frame[["lr", "weight_decay"]] = 1e-4, 1e-6
    frame.loc[1:, "lr"] = 1e-4 * np.array([0.75, 1.0, 1.3, 0.85, 1.15, 0.9, 1.1, 1.05])
    frame.loc[1:, "weight_decay"] = 1.5e-6  # a row of dots above
    figure = figures.search_map(frame, SPACE)
    figures.png(figure)
    (name,) = (text for text in texts(figure) if text.get_text() == "Best-1")
    box = name.get_window_extent()
    dots = figure.axes[0].transData.transform(frame[["lr", "weight_decay"]])
    assert not any(box.contains(*dot) for dot in dots[1:])


def test_a_flat_expectation_has_no_contours():
    data = search(6)
    plain = figures.svg(search_map(data))
    for level in (0.55, np.nan):
        assert figures.svg(search_map(data, surface=surface(start=level, slope=0))) == plain


def test_the_axes_of_a_map_can_be_named():
    space = {**SPACE, **BATCHES}
    frame = ranking.rank(search(), space)
    names = ranking.map_axes(frame, space, ["batch_size", "weight_decay", "lr"])
    assert names == ["weight_decay", "batch_size"]
    ax = figures.search_map(frame, space, names=names).axes[0]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("weight decay", "batch size")
    assert ranking.map_axes(frame, space) == ["lr", "weight_decay"]


@pytest.mark.parametrize("lr", [1e-6, 3e-4, 1e-2])
def test_the_best_trial_is_named_within_the_axes(lr):
    figure = search_map(table(record(0, [90], lr=lr, weight_decay=1e-6)))
    (name,) = (text for text in texts(figure) if text.get_text() == "Best-1")
    box, axes = name.get_window_extent(), figure.axes[0].bbox
    assert axes.x0 - 1 <= box.x0 and box.x1 <= axes.x1 + 1


# What a Bayesian search learnt.


def test_what_a_search_learnt_lies_under_its_trials():
    figure = example("learnt")
    ax, (low, high) = figure.axes[0], (SPACE["lr"]["low"], SPACE["lr"]["high"])
    ground, at_random, proposed, diverged = ax.collections
    lr = {row["trial"]: row["lr"] for row in ranking.rank(search(10, (1, 7))).to_dict("records")}
    for dots, trials in ((at_random, [3, 2, 0]), (proposed, [9, 8, 6, 5, 4]), (diverged, [7, 1])):
        assert dots.get_offsets()[:, 0].tolist() == [lr[trial] for trial in trials]
    for colours in (ground, at_random, proposed):
        assert (colours.get_cmap().name, colours.norm.vmin, colours.norm.vmax) == ("viridis", 0, 1)
    brightest = [path for path in ground.get_paths() if len(path.vertices)][-1].get_extents()
    assert (brightest.x0, brightest.y0) == (low, SPACE["weight_decay"]["low"])
    across = (brightest.x1 - low) / (high - low)
    upwards = (brightest.y1 - brightest.y0) / (SPACE["weight_decay"]["high"] - brightest.y0)
    assert 0 < across < 1 and upwards == pytest.approx(across / 2)
    assert (ax.get_xscale(), ax.get_xlim()) == ("log", (low, high))
    (legend,) = figure.legends
    assert words(legend.get_texts()) == ["drawn at random", "proposed", "diverged (2)"]


def test_what_a_search_learnt_of_one_number_is_a_curve_among_its_trials():
    ax = example("curve").axes[0]
    (curve,) = ax.lines
    np.testing.assert_allclose(curve.get_ydata(), 0.5 - np.arange(9) / 100)
    assert ax.get_xlim() == (10, 200)


@pytest.mark.parametrize(("space", "level"), [(OPTIMIZERS, 0.5), (SPACE, np.nan)])
def test_where_there_is_no_surface_the_trials_are_drawn_as_of_any_search(space, level):
    frame = ranking.rank(search(10), space)
    expected = [np.arange(3)] * len(space), np.full([3] * len(space), level)
    figure = figures.surface_map(frame, space, expected, first=4, best=5)
    assert figures.svg(figure) == figures.svg(figures.search_map(frame, space, best=5))


# Grids.


def cells(ax):
    """What the cells of a heat map show: the accuracies, or nan where there is no trial that finished."""
    return np.ma.filled(ax.collections[-1].get_array(), np.nan)


def test_a_grid_is_a_cell_for_each_pair_of_values():
    ax, bar = example("grid").axes
    assert (ax.get_xlabel(), ax.get_ylabel(), bar.get_ylabel()) == ("lr", "batch size", "validation accuracy")
    assert labels(ax.xaxis) == ["0.001", "0.01", "0.1"] and labels(ax.yaxis) == ["10", "100", "1000"]
    np.testing.assert_array_equal(cells(ax), [[0.84, 0.87, 0.9], [0.83, 0.86, 0.89], [np.nan, 0.85, 0.88]])
    shown = {tuple(text.get_position()): text.get_text() for text in ax.texts}
    assert shown[(2.5, 0.5)] == "0.90" and shown[(0.5, 0.5)] == "0.84" and (0.5, 2.5) not in shown
    assert [text.get_fontweight() for text in ax.texts].count("bold") == 1
    (frame,) = ax.patches
    assert frame.get_xy() == (2, 0)
    _, crosses, _ = ax.collections
    assert crosses.get_offsets().tolist() == [[0.5, 2.5]]


def test_the_legend_of_a_grid_names_what_is_there():
    def legend(*args):
        return words(heat_map(*args).legends[0].get_texts())

    assert legend(BOOK) == ["Best-1"]
    assert legend(BOOK, (0, 5)) == ["Best-1", "diverged (2)"]
    assert legend(BOOK, range(9)) == ["diverged (9)"]


def test_further_hyper_parameters_have_a_panel_for_each_combination():
    *panels, _ = example("4").axes
    assert [ax.get_title(loc="left") for ax in panels] == [
        "optimizer sgd",
        "optimizer momentum\nmomentum 0.5",
        "optimizer momentum\nmomentum 0.9",
        "optimizer adam",
    ]
    accuracies = (90 - np.arange(9)) / 100
    accuracies[4] = np.nan  # it diverged
    np.testing.assert_array_equal(cells(panels[0])[:, ::-1].T.ravel(), accuracies)
    assert [len(ax.patches) for ax in panels] == [1, 0, 0, 0]
    assert [ax.get_ylabel() for ax in panels] == ["batch size", "", "batch size", ""]
    assert [ax.get_xlabel() for ax in panels] == ["", "", "lr", "lr"]


def test_many_further_combinations_show_the_best_over_them():
    figure = example("over")
    ax, _ = figure.axes
    assert figure.texts[0].get_text() == (
        "The whole grid: 135 trials, in each cell the best over weight decay and momentum"
    )
    assert np.isnan(cells(ax)[0, 2])  # its 15 trials diverged
    assert cells(ax)[1, 2] == pytest.approx(0.74)  # the first of its trials diverged, and the next is shown


def test_a_hyper_parameter_of_some_trials_is_no_axis_where_another_can_be():
    space = {"momentum": options(0.5, 0.9), "optimizer": options("sgd", "momentum")}
    ax = heat_map({**space, "lr": BOOK["lr"]}).axes[0]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("optimizer", "lr")
    assert labels(ax.xaxis) == ["sgd", "momentum"]
    assert heat_map(space).texts[0].get_text() == "The whole grid: 3 trials (1 without momentum not shown)"


@pytest.mark.parametrize(
    "space", [{"lr": BOOK["lr"]}, {"lr": options(0.1), "weight_decay": points(1e-8, 1e-4, 5)}, OPTIMIZERS]
)
def test_a_grid_along_one_line_is_drawn_as_any_search(space):
    assert heat_map(space).texts[0].get_text().startswith("The whole search: ")


def test_options_of_two_types_stay_in_order_in_a_grid():
    ax = heat_map({"weight_init": options("relu", 0.01, "sigmoid"), "lr": BOOK["lr"]}).axes[0]
    assert labels(ax.xaxis) == ["relu", "0.01", "sigmoid"]
