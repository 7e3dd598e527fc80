"""The figures' structure and their bytes; how they look was judged by eye."""

import hashlib
import importlib
import io
import os
import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.transforms import Bbox
from PIL import Image

from tests.analysis.test_ranking import record, table
from zdl.analysis import ranking
from zdl.report import figures
from zdl.search.samplers.grid import Grid

MAP = importlib.import_module("zdl.report.figures.search_map")  # its name in the package is the function
SPACE = {
    "lr": {"distribution": "log_uniform", "low": 1e-6, "high": 1e-2},
    "weight_decay": {"distribution": "log_uniform", "low": 1e-8, "high": 1e-4},
}
BATCHES = {"batch_size": {"distribution": "int_uniform", "low": 10, "high": 200}}
NARROW = {"epochs": {"distribution": "int_uniform", "low": 3, "high": 8}}
MANY_OPTIONS = {
    "optimizer": {
        "distribution": "choice",
        "options": ["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam"],
    }
}
OPTIMIZERS = {"optimizer": {"distribution": "choice", "options": ["sgd", "momentum", "adam"]}}


def search(trials=30, diverged=(), epochs=5):
    """Trials 0, 1, 2, ... of falling accuracy."""
    return table(
        *(
            record(
                trial,
                [max(0, 90 - 2 * trial - epochs + epoch) for epoch in range(epochs)],
                "diverged" if trial in diverged else "finished",
                lr=1.23456e-6 * (trial + 1),
                weight_decay=1.11111e-8 * (trial + 1),
                batch_size=10 + trial,
                optimizer=("sgd", "momentum", "adam")[trial % 3],
            )
            for trial in range(trials)
        )
    )


def drawn(data, best=20, names=tuple(SPACE)):
    frame = ranking.rank(data, names)
    return figures.best20(ranking.curves(data, frame, best), frame)


def mapped(data, space=SPACE, best=20):
    return figures.search_map(ranking.rank(data, space), space, best)


def options(*values):
    return {"distribution": "choice", "options": list(values)}


def points(low, high, n):
    return {"distribution": "log_uniform", "low": low, "high": high, "points": n}


BOOK = {"lr": options(0.1, 0.01, 0.001), "batch_size": options(10, 100, 1000)}


def gridded(space, diverged=()):
    """A grid's trials, each a little worse than the one before; those at the places `diverged` diverged."""
    planned = Grid({"space": space}).propose((), 10**6)
    return table(
        *(
            record(1000 - k, [max(0, 90 - k)], "diverged" if k in diverged else "finished", **point)
            for k, (point, _) in enumerate(planned)
        )
    )


def heated(space, diverged=()):
    return figures.heat_map(ranking.rank(gridded(space, diverged), space), space)


def learnt(data, space=SPACE, first=4, level=0.5):
    """A surface that falls from `level` along every axis, along the second twice as fast."""
    frame = ranking.rank(data, space)
    names = ranking.map_axes(frame, space)
    ticks = [np.linspace(space[name].get("low", 0), space[name].get("high", 1), 9) for name in names]
    fall = np.add.outer(np.arange(9), 2 * np.arange(9)) if len(names) == 2 else np.arange(9)
    return figures.surface_map(frame, space, (ticks, level - fall / 100), first)


def expected(space=SPACE, slope=0.01):
    """A surface over the first two numbers of `space`, or a curve over the only one: it rises along each."""
    ticks = [np.linspace(spec["low"], spec["high"], 9) for spec in space.values()]
    rise = np.add.outer(np.arange(9), 2 * np.arange(9)) if len(ticks) == 2 else np.arange(9)
    return ticks, slope * rise


def sliced(data, space=SPACE, best=20):
    return figures.slices(ranking.rank(data, space), space, best)


def spent(trials=40):
    """The budget of a random search: the expected best approaches 0.8, in ever smaller steps."""
    n = np.arange(1, trials + 1)
    best = 0.8 - 0.6 / n
    table = pd.DataFrame({"trials": n, "expected": best, "low": best - 0.1, "high": best + 0.1})
    few = trials // n < 4
    for name, level in (("lower", best - 0.05), ("median", best), ("upper", best + 0.05)):
        table[name] = np.where(few, np.nan, level)
    return figures.budget(table)


BASELINE = {"val_acc": 0.8, "val_mean": 0.81, "val_sd": 0.02, "held_out": 0.79} | {
    "held_out_low": 0.78, "held_out_high": 0.8
}  # fmt: skip


def confirmation(trials=3, repeats=4, epochs=5, number=10):
    """Tables of a confirmation in which the second trial is better than found, and the third diverges."""
    rows, again = [], []
    for k in range(trials):
        val = np.array([0.7 + 0.05 * (k == 1) + 0.01 * j for j in range(repeats)])
        if k == 2:
            val[:] = np.nan
        found, finished = 0.85 - 0.01 * k, int(np.isfinite(val).sum())
        mean = np.nan if k == 2 else val.mean()
        name = {"rank": k + 1, "trial": number + k}
        rows.append(
            {**name, "val_acc": found, "low": found - 0.09, "high": found + 0.07, "repeats": finished}
            | {"diverged": repeats - finished, "val_mean": mean, "val_sd": 0.01, "held_out": mean - 0.02}
            | {"held_out_low": mean - 0.04, "held_out_high": mean, "gap": found - mean + 0.02}
        )
        for j, acc in enumerate(val):
            status = "finished" if np.isfinite(acc) else "diverged"
            again.append({**name, "repeat": j + 1, "status": status, "val_acc": acc, "held_out": acc - 0.02})
    curves = pd.DataFrame(
        [
            {"repeat": j + 1, "epoch": e + 1, "train_acc": 1 - 0.5**e, "val_acc": 0.7 - 0.5**e / 2 + 0.01 * j}
            for j in range(repeats)
            for e in range(epochs)
        ]
    )
    return pd.DataFrame(rows), pd.DataFrame(again), curves, BASELINE


def mistaken(n=20, trial=26, shape=(28, 28)):
    """The mistakes of a network that takes a tenth of each digit for the next, and hardly any 0 for 9."""
    confusion = 0.9 * np.eye(10) + 0.1 * np.roll(np.eye(10), 1, axis=1)
    confusion[0] += np.bincount([0, 9], [-0.004, 0.004])
    images = np.random.default_rng(1).random((n, *shape), dtype="float32")
    table = pd.DataFrame({"image": np.arange(n), "digit": np.arange(n) % 10})
    table = table.assign(taken_for=(table["digit"] + 1) % 10, wrong=9, repeats=10, confidence=0.97)
    return figures.mistakes(confusion, table, images, trial, "digit"), images


def digests():
    """SHA-256 of each figure in both formats."""
    data = search(6, diverged=(3,))
    return [
        hashlib.sha256(form(figure)).hexdigest()
        for figure in (
            drawn(data),
            mapped(data),
            heated(BOOK, (2,)),
            learnt(data),
            figures.search_map(ranking.rank(data, SPACE), SPACE, expected=expected()),
            sliced(data, {**SPACE, **OPTIMIZERS}),
            spent(),
            figures.confirmed(*confirmation()),
            mistaken()[0],
        )
        for form in (figures.png, figures.svg)
    ]


def texts(figure):
    with figures.base.style():
        figure.draw_without_rendering()  # ticks get their text as they are drawn
    found = figure.findobj(lambda artist: isinstance(artist, matplotlib.text.Text) and artist.get_text())
    return [text for text in found if text.get_visible()]


def inked(text):
    """A text's box without the blank lines that it begins with."""
    box, said = text.get_window_extent(), text.get_text()
    share = len(said.lstrip("\n").split("\n")) / len(said.split("\n"))
    return Bbox([box.min, [box.x1, box.y0 + share * box.height]])


@pytest.mark.parametrize(
    ("trials", "rows", "columns"), [(1, 1, 1), (3, 1, 3), (5, 1, 5), (7, 2, 5), (30, 4, 5)]
)
def test_a_panel_for_each_of_the_best_five_in_a_row(trials, rows, columns):
    axes = drawn(search(trials)).axes
    assert len(axes) == min(trials, 20)
    places = [ax.get_position() for ax in axes]
    assert len({round(place.x0, 6) for place in places}) == columns
    assert len({round(place.y0, 6) for place in places}) == rows
    assert [ax.get_title(loc="left") for ax in axes] == [f"Best-{k}" for k in range(1, len(axes) + 1)]


def test_panels_have_the_books_axes():
    axes = drawn(search()).axes
    assert {ax.get_ylim() for ax in axes} == {(0, 1)}
    assert all(ax.get_xticks().size == 0 for ax in axes)
    assert [k for k, ax in enumerate(axes) if ax.get_yticks().size] == [0, 5, 10, 15]
    assert len({ax.get_xlim() for ax in axes}) == 1


def test_panels_show_validation_solid_and_training_dashed():
    data = search()
    curves = ranking.curves(data, ranking.rank(data), 20)
    for (_, curve), ax in zip(curves.groupby("rank"), drawn(data).axes, strict=True):
        lines = {line.get_label(): line for line in ax.get_lines()}
        validation, training = lines["validation accuracy"], lines["training accuracy"]
        assert (validation.get_linestyle(), training.get_linestyle()) == ("-", "--")
        np.testing.assert_array_equal(validation.get_xydata(), curve[["epoch", "val_acc"]])
        np.testing.assert_array_equal(training.get_xydata(), curve[["epoch", "train_acc"]])


def test_panels_tell_accuracy_lr_and_weight_decay():
    ax = drawn(search()).axes[1]
    assert ax.get_title(loc="right") == "val acc 0.87"
    assert [text.get_text() for text in ax.texts] == ["lr 2.47e-06\nweight decay 2.22e-08"]


def test_panels_of_another_search_tell_its_first_hyper_parameters_after_the_book_s():
    ax = drawn(search(), names=["optimizer", "batch_size", "momentum", "lr"]).axes[0]
    assert [text.get_text() for text in ax.texts] == ["lr 1.23e-06\noptimizer sgd\nbatch size 10"]


def test_one_legend_for_all_panels():
    figure = drawn(search())
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["validation accuracy", "training accuracy"]
    assert all(ax.get_legend() is None for ax in figure.axes)


def test_diverged_trials_have_no_panel():
    figure = drawn(search(6, diverged=(0, 2)))
    assert len(figure.axes) == 4
    assert figure.axes[0].get_title(loc="right") == "val acc 0.87"


def test_one_evaluation_is_a_dot():
    assert {line.get_marker() for line in drawn(search(2, epochs=1)).axes[0].get_lines()[1:]} == {"o"}


def test_no_trial_finished():
    data = search(3, diverged=(0, 1, 2))
    assert [text.get_text() for text in drawn(data).texts] == ["No trial finished"]
    (ax,) = mapped(data).axes  # no colour bar
    assert len(ax.collections[0].get_offsets()) == 3


@pytest.mark.parametrize(
    "make",
    [
        lambda: drawn(search(epochs=50)),
        lambda: drawn(search(1)),
        lambda: drawn(search(), names=["optimizer", "batch_size"]),
        lambda: mapped(search(diverged=(0,))),
        lambda: mapped(search(), BATCHES),
        lambda: mapped(search(), OPTIMIZERS),
        lambda: learnt(search(diverged=(0,))),
        lambda: learnt(search(), BATCHES),
        lambda: heated(BOOK),
        lambda: heated({"lr": points(1e-7, 1e-1, 60), "weight_decay": points(1e-8, 1e-4, 40)}, (0, 7)),
        lambda: heated({**BOOK, **OPTIMIZERS, "momentum": options(0.5, 0.9)}, (4,)),
        lambda: heated({**BOOK, "weight_decay": points(1e-8, 1e-5, 4), "momentum": options(0.1, 0.5, 0.9)}),
        lambda: heated({**BOOK, "weight_decay": points(1e-8, 1e-4, 5), "momentum": options(0.1, 0.5, 0.9)}),
        lambda: figures.search_map(ranking.rank(search(), SPACE), SPACE, expected=expected()),
        lambda: sliced(search(diverged=(0,))),
        lambda: sliced(search(1), BATCHES),
        lambda: sliced(search(), {"lr": {**SPACE["lr"], "low": 2.1e-6, "high": 1.9e-5}}),
        lambda: sliced(search(60), {**SPACE, **MANY_OPTIONS, **BATCHES, **NARROW}),
        spent,
        lambda: spent(1),
        lambda: spent(4000),
        lambda: figures.budget(pd.DataFrame({"trials": range(1, 101), "best": 0.5})),
        lambda: figures.confirmed(*confirmation()),
        lambda: figures.confirmed(*confirmation(1, 1, 1)),
        lambda: figures.confirmed(*confirmation(20, 10, number=999_999_900)),
        lambda: mistaken()[0],
        lambda: mistaken(0, 999_999_999)[0],
    ],
    ids=[
        "20",
        "one",
        "other",
        "map",
        "batches",
        "names",
        "learnt",
        "curve",
        "grid",
        "fine",
        "4",
        "12",
        "over",
        "contours",
        "slices",
        "slice",
        "narrow slice",
        "slices of five",
        "budget",
        "budget of one",
        "budget of many",
        "best so far",
        "confirmed",
        "confirmed one",
        "confirmed 20",
        "mistakes",
        "no mistakes",
    ],
)
def test_no_text_is_cut_off_or_runs_into_another(make):
    figure = make()
    shown = texts(figure)
    boxes = [inked(text) for text in shown]
    for text, box in zip(shown, boxes, strict=True):
        # ticks beyond the axis are kept far outside, and not drawn
        whole = box.min.min() >= 0 and (box.max <= figure.bbox.size).all()
        assert whole or not box.overlaps(figure.bbox), text.get_text()
    for k, one in enumerate(boxes):
        for text, other in zip(shown[:k], boxes[:k], strict=True):
            # boxes leave room for descenders, so a pixel of overlap is none to the eye
            assert not one.padded(-2).overlaps(other.padded(-2)), (shown[k].get_text(), text.get_text())


def test_map_shows_every_trial_where_it_lies():
    data = search(diverged=(1, 4))
    figure = mapped(data, best=5)
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
    assert [text.get_text() for text in legend.get_texts()] == ["finished", "diverged (2)", "the best 5"]


def test_a_crowded_map_shows_the_mean_of_each_cell(monkeypatch):
    monkeypatch.setattr(MAP, "CROWDED", 5)
    monkeypatch.setattr(MAP, "CELLS", (4, 4))
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
    figure = mapped(data, best=2)
    cells, crosses, ringed = figure.axes[0].collections
    means = np.ma.filled(cells.get_array(), -1).reshape(4, 4)
    assert means[0, :2].tolist() == pytest.approx([(0.1 + 0.3 + 0) / 3, 0.8]) and means[3, 3] == 0.5
    assert (means == -1).sum() == 13
    ((x, y),) = crosses.get_offsets()  # two of three diverged
    assert (x, y) == pytest.approx((10**-2.5, 10**-4.5))
    assert len(ringed.get_offsets()) == 2
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "half or more diverged (2 in all)",
        "the best 2",
    ]
    assert figure.axes[1].get_ylabel() == "mean validation accuracy"


def test_of_a_crowded_map_the_cells_are_the_same_whatever_the_last_bits(monkeypatch):
    monkeypatch.setattr(MAP, "CROWDED", 5)
    space = {"hidden_width": {"distribution": "int_uniform", "low": 0, "high": 42}, "lr": SPACE["lr"]}
    rows = [record(k, [k % 90], hidden_width=k % 43, lr=1e-3) for k in range(430)]
    means = []
    for nudge in (-1e-13, 0, 1e-13):
        frame = ranking.rank(table(*rows), space)
        frame["hidden_width"] = frame["hidden_width"] * (1 + nudge)
        cells = figures.search_map(frame, space).axes[0].collections[0]
        means.append(np.ma.filled(cells.get_array(), -1))
    assert np.array_equal(means[0], means[1]) and np.array_equal(means[1], means[2])


def test_one_hyper_parameter_of_a_crowded_search_is_fainter_dots(monkeypatch):
    monkeypatch.setattr(MAP, "CROWDED", 5)
    dots = mapped(search(30, diverged=(1,)), BATCHES).axes[0].collections[0]
    assert dots.get_alpha() == 1.0 and len(dots.get_offsets()) == 29
    dots = mapped(search(3000), BATCHES).axes[0].collections[0]
    assert dots.get_alpha() == 0.5


def test_map_spans_the_search_on_its_scales():
    ax, bar = mapped(search()).axes
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert (ax.get_xlim(), ax.get_ylim()) == ((1e-6, 1e-2), (1e-8, 1e-4))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("lr", "weight decay")
    assert (bar.get_ylabel(), bar.get_ylim()) == ("validation accuracy", (0, 1))
    ax = mapped(
        search(), {**OPTIMIZERS, **BATCHES, "lr": {"distribution": "uniform", "low": 0.0, "high": 1.0}}
    ).axes[0]
    assert (ax.get_xscale(), ax.get_yscale()) == ("linear", "linear")
    assert (ax.get_xlabel(), ax.get_xlim(), ax.get_ylabel()) == ("batch size", (10, 200), "lr")


def test_map_over_one_numeric_hyper_parameter_shows_accuracy_against_it():
    data = search(diverged=(0,))
    (ax,) = mapped(data, {**OPTIMIZERS, **BATCHES}).axes
    frame = ranking.rank(data).iloc[::-1]
    alive = frame[frame["status"] == "finished"]
    np.testing.assert_array_equal(ax.collections[0].get_offsets(), alive[["batch_size", "val_acc"]])
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_ylim()) == ("batch size", "validation accuracy", (0, 1))


@pytest.mark.parametrize("options", [["sgd", "momentum", "adam", "nesterov"], [10, 50, 0.5], ["relu", 0.01]])
def test_map_over_a_choice_has_a_strip_for_each_option(options):
    data = table(*(record(k, [50], choice=options[k % len(options)]) for k in range(40)))
    space = {"choice": {"distribution": "choice", "options": options}}
    frame = ranking.read(ranking.csv(ranking.rank(data)))  # as the page's step gets it
    (ax,) = figures.search_map(frame, space).axes
    x = ax.collections[0].get_offsets()[:, 0]
    strips = np.round(x).astype(int)
    assert [text.get_text() for text in ax.get_xticklabels()] == [str(option) for option in options]
    assert strips.tolist() == [trial % len(options) for trial in frame["trial"].iloc[::-1]]
    assert len(set(x)) == 40  # equal scores lie side by side


def test_map_leaves_out_trials_in_which_an_axis_plays_no_part():
    data = search(6)
    for k in (0, 3, 4):
        del data["trials"][k]["point"]["lr"]
    figure = mapped(data, {**SPACE, **BATCHES}, best=2)
    assert [figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()] == ["weight decay", "batch size"]
    figure = mapped(data, best=2)
    assert figure.texts[0].get_text() == "The whole search: 6 trials (3 without lr not shown)"
    assert len(figure.axes[0].collections[0].get_offsets()) == 3
    assert not figure.axes[0].texts  # Best-1 is not there to be named


def test_contours_show_what_is_expected_at_every_tenth_above_chance():
    frame = ranking.rank(search(), SPACE)
    figure = figures.search_map(frame, SPACE, expected=expected(slope=0.02))  # from 0 to 0.48
    lines = figure.axes[0].collections[0]
    assert lines.levels.tolist() == [0.2, 0.3, 0.4]
    for level, path in zip(lines.levels, lines.get_paths(), strict=True):
        x, y = ((path.vertices - [1e-6, 1e-8]) / [1e-2 - 1e-6, 1e-4 - 1e-8] * 8).T
        np.testing.assert_allclose(0.02 * (x + 2 * y), level)
    assert {text.get_text() for text in figure.axes[0].texts} >= {"0.2", "0.3"}
    assert [text.get_text() for text in figure.legends[0].get_texts()][-1] == "expected"


@pytest.mark.parametrize("level", [0.55, np.nan])
def test_a_flat_expectation_has_no_contours(level):
    frame = ranking.rank(search(), SPACE)
    ticks, mean = expected()
    figure = figures.search_map(frame, SPACE, expected=(ticks, np.full_like(mean, level)))
    assert figures.png(figure) == figures.png(mapped(search()))


def test_the_axes_of_a_map_can_be_named():
    space = {**SPACE, **BATCHES}
    frame = ranking.rank(search(), space)
    names = ranking.map_axes(frame, space, ["batch_size", "weight_decay", "lr"])
    assert names == ["weight_decay", "batch_size"]
    ax = figures.search_map(frame, space, names=names).axes[0]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("weight decay", "batch size")
    assert ranking.map_axes(frame, space) == ["lr", "weight_decay"]


def test_a_slice_for_each_hyper_parameter_on_its_own_scale():
    space = {**SPACE, **BATCHES, **OPTIMIZERS, **NARROW}
    figure = sliced(search(), space)
    assert [ax.get_xlabel() for ax in figure.axes] == [name.replace("_", " ") for name in space]
    assert [ax.get_xscale() for ax in figure.axes] == ["log", "log", "linear", "linear", "linear"]
    assert {ax.get_ylim() for ax in figure.axes} == {(0, 1)}
    assert len({round(ax.get_position().x0, 6) for ax in figure.axes}) == 3  # a row of three, and one of two
    assert labels(figure.axes[3].xaxis) == ["sgd", "momentum", "adam"]
    assert labels(figure.axes[4].xaxis) == ["3", "4", "5", "6", "7", "8"]


def test_slices_show_every_trial_and_the_diverged_ones_at_0():
    data = search(diverged=(0, 3))
    frame = ranking.rank(data)
    ax = sliced(data, best=5).axes[0]
    alive = frame[frame["status"] == "finished"]
    rest, best, ring, crosses = (dots.get_offsets().tolist() for dots in ax.collections)
    assert best == alive[["lr", "val_acc"]].head(5)[::-1].to_numpy().tolist()
    assert rest == alive[["lr", "val_acc"]].iloc[5:][::-1].to_numpy().tolist()
    assert ring == best[-1:]
    assert sorted(crosses) == [[1.23456e-6, 0], [4 * 1.23456e-6, 0]]  # one of them had reached 0.89


def test_a_slice_tells_in_how_many_trials_its_hyper_parameter_plays_a_part():
    data = search(6)
    for k in (0, 3, 4):
        del data["trials"][k]["point"]["lr"]
    assert [ax.get_xlabel() for ax in sliced(data).axes] == ["lr\n(in 3 of 6 trials)", "weight decay"]


def test_a_budget_shows_what_is_expected_and_what_was():
    figure = spent(33)
    (ax,) = figure.axes
    assert (ax.get_xscale(), ax.get_ylim()) == ("log", (0, 1))
    assert labels(ax.xaxis) == ["1", "2", "4", "8", "16", "33"]  # 32 has no room
    curve, medians, _ = ax.lines
    np.testing.assert_array_equal(curve.get_ydata(), 0.8 - 0.6 / np.arange(1, 34))
    assert medians.get_xdata().tolist() == [1, 2, 4, 8]  # of 16 there are only two searches
    assert [text.get_text() for text in ax.texts] == ["0.7818"]


def test_a_budget_told_at_steps_is_that_of_all_trials():
    sizes = [1, 2, 4, 8, 16, 2000]
    figure = figures.budget(pd.DataFrame({"trials": sizes, "best": np.linspace(0.1, 0.6, 6)}))
    assert "The best so far: 2,000 trials" in [text.get_text() for text in figure.texts]


def test_the_best_so_far_is_a_line_of_steps():
    best = [np.nan, 0.4, 0.4, 0.7]
    (ax,) = figures.budget(pd.DataFrame({"trials": range(1, 5), "best": best})).axes
    steps, last = ax.lines
    assert (steps.get_drawstyle(), steps.get_ydata().tolist()) == ("steps-post", best[1:])
    assert last.get_xydata().tolist() == [[4, 0.7]]
    nothing = figures.budget(pd.DataFrame({"trials": [1, 2], "best": np.nan}))
    assert [text.get_text() for text in nothing.texts] == ["No trial finished"]


def test_confirmed_trials_are_rows_of_what_was_found_and_what_survived():
    tables = confirmation()
    left, right = figures.confirmed(*tables).axes
    assert labels(left.yaxis) == ["Best-1, trial 10", "Best-2, trial 11", "Best-3, trial 12\n4 of 4 diverged"]
    assert [text.get_fontweight() for text in left.get_yticklabels()] == ["normal", "bold", "normal"]
    found, again, mean, held_out, line = left.lines
    for dots, name in ((found, "val_acc"), (mean, "val_mean"), (held_out, "held_out")):
        np.testing.assert_array_equal(dots.get_xdata(), tables[0][name])
    assert found.get_ydata()[0] < mean.get_ydata()[0] < held_out.get_ydata()[0]
    np.testing.assert_array_equal(again.get_xdata(), tables[1]["val_acc"])
    assert set(line.get_xdata()) == {BASELINE["held_out"]}
    assert right.get_title(loc="left") == "Best-2, trial 11: the confirmed best"


def test_where_all_repeats_diverged_none_is_the_confirmed_best():
    confirmed, again, curves, baseline = confirmation()
    third = figures.confirmed(confirmed.tail(1), again[again["rank"] == 3], curves.head(0), baseline)
    (ax,) = third.axes
    assert [text.get_fontweight() for text in ax.get_yticklabels()] == ["normal"]


def test_the_confirmed_best_has_a_curve_for_each_repeat_and_their_mean():
    tables = confirmation(repeats=4)
    _, ax = figures.confirmed(*tables).axes
    *repeats, training, mean, line = ax.lines
    assert len(repeats) == 4 and (training.get_linestyle(), mean.get_linestyle()) == ("--", "-")
    np.testing.assert_allclose(mean.get_ydata(), 0.7 - 0.5 ** np.arange(5) / 2 + 0.015)
    np.testing.assert_allclose(training.get_ydata(), 1 - 0.5 ** np.arange(5))
    assert set(line.get_ydata()) == {BASELINE["val_mean"]}


def test_what_recognises_all_images_is_drawn_whole():
    rows, again, curves, baseline = confirmation()
    once = curves[curves["epoch"] == 1].assign(train_acc=1.0)
    left, right = figures.confirmed(rows.assign(high=1.0, val_acc=1.0), again, once, baseline).axes
    assert 1.005 < left.get_xlim()[1] < 1.02
    assert not any(line.get_clip_on() for line in right.get_lines() if line.get_marker() == "o")


def test_without_a_confirmation_the_figures_say_so():
    none = [frame.iloc[:0] for frame in confirmation()[:3]]
    empty = figures.mistakes(np.empty((0, 0)), pd.DataFrame(), np.empty((0, 28, 28), "float32"), 0, "digit")
    for figure in (figures.confirmed(*none, {}), empty):
        assert [text.get_text() for text in figure.texts] == ["No trial was confirmed"]


def test_mistakes_are_shares_in_percent_and_images_with_what_they_were_taken_for():
    figure, images = mistaken(30)
    matrix, *shown = figure.axes
    inside = {tuple(text.get_position()): text.get_text() for text in matrix.texts}
    assert inside[(3.5, 3.5)] == "90" and inside[(4.5, 3.5)] == "10" and inside[(0.5, 9.5)] == "10"
    assert len(inside) == 20  # 0.4 percent, and nothing, are blank
    assert matrix.get_ylim() == (10, 0)  # zero on top
    assert len(shown) == 20
    np.testing.assert_array_equal(shown[7].images[0].get_array(), images[7])
    assert shown[7].images[0].get_interpolation() == "nearest"
    assert shown[19].texts[0].get_text() == "9 taken for 0\n9 of 10, 0.97"


@pytest.mark.parametrize("shape", [(8, 6), (6, 8, 3), (1, 13)], ids=str)
def test_images_of_any_shape_are_drawn(shape):
    figure, images = mistaken(shape=shape)
    figures.png(figure)
    ax = figure.axes[5]
    np.testing.assert_array_equal(ax.images[0].get_array(), images[4])
    assert ax.get_window_extent().height > 20  # pixels: no thin line


def cells(ax):
    """What the cells of a heat map say: the accuracies, or nan where there is no trial that finished."""
    return np.ma.filled(ax.collections[-1].get_array(), np.nan)


def labels(axis):
    return [text.get_text() for text in axis.get_ticklabels()]


def test_what_a_search_learnt_lies_under_its_trials():
    data = search(10, diverged=(1, 7))
    figure = learnt(data, first=4)
    ax, (low, high) = figure.axes[0], (SPACE["lr"]["low"], SPACE["lr"]["high"])
    ground, at_random, proposed, diverged = ax.collections
    lr = {row["trial"]: row["lr"] for row in ranking.rank(data).to_dict("records")}
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
    assert [text.get_text() for text in legend.get_texts()] == ["drawn at random", "proposed", "diverged (2)"]


def test_what_a_search_learnt_of_one_number_is_a_curve_among_its_trials():
    figure = learnt(search(10), BATCHES)
    (curve,) = figure.axes[0].lines
    np.testing.assert_allclose(curve.get_ydata(), 0.5 - np.arange(9) / 100)
    assert figure.axes[0].get_xlim() == (10, 200)


@pytest.mark.parametrize(("space", "level"), [(OPTIMIZERS, 0.5), (SPACE, np.nan)])
def test_where_there_is_no_surface_the_trials_are_drawn_as_of_any_search(space, level):
    frame = ranking.rank(search(10), space)
    expected = [np.arange(3)] * len(space), np.full([3] * len(space), level)
    figure = figures.surface_map(frame, space, expected, first=4, best=5)
    assert figures.png(figure) == figures.png(figures.search_map(frame, space, best=5))


def test_a_grid_is_a_cell_for_each_pair_of_values():
    ax, bar = heated(BOOK, diverged=(8,)).axes
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


def test_a_grid_s_legend_names_what_is_there():
    def legend(*args):
        return [text.get_text() for text in heated(*args).legends[0].get_texts()]

    assert legend(BOOK) == ["Best-1"]
    assert legend(BOOK, (0, 5)) == ["Best-1", "diverged (2)"]
    assert legend(BOOK, range(9)) == ["diverged (9)"]


def test_further_hyper_parameters_have_a_panel_for_each_combination():
    *panels, _ = heated({**BOOK, **OPTIMIZERS, "momentum": options(0.5, 0.9)}).axes
    assert [ax.get_title(loc="left") for ax in panels] == [
        "optimizer sgd",
        "optimizer momentum\nmomentum 0.5",
        "optimizer momentum\nmomentum 0.9",
        "optimizer adam",
    ]
    np.testing.assert_array_equal(cells(panels[0])[:, ::-1].T.ravel(), (90 - np.arange(9)) / 100)
    assert [len(ax.patches) for ax in panels] == [1, 0, 0, 0]
    assert [ax.get_ylabel() for ax in panels] == ["batch size", "", "batch size", ""]
    assert [ax.get_xlabel() for ax in panels] == ["", "", "lr", "lr"]


def test_many_further_combinations_show_the_best_over_them():
    space = {**BOOK, "weight_decay": points(1e-8, 1e-4, 5), "momentum": options(0.1, 0.5, 0.9)}
    figure = heated(space, diverged=range(16))
    ax, _ = figure.axes
    assert figure.texts[0].get_text() == (
        "The whole grid: 135 trials, in each cell the best over weight decay and momentum"
    )
    assert np.isnan(cells(ax)[0, 2])  # its 15 trials diverged
    assert cells(ax)[1, 2] == pytest.approx(0.74)  # the first of its trials diverged, and the next is shown


def test_a_hyper_parameter_of_some_trials_is_no_axis_where_another_can_be():
    ax = heated(
        {"momentum": options(0.5, 0.9), "optimizer": options("sgd", "momentum"), "lr": BOOK["lr"]}
    ).axes[0]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("optimizer", "lr")
    assert labels(ax.xaxis) == ["sgd", "momentum"]
    figure = heated({"momentum": options(0.5, 0.9), "optimizer": options("sgd", "momentum")})
    assert figure.texts[0].get_text() == "The whole grid: 3 trials (1 without momentum not shown)"


@pytest.mark.parametrize(
    "space", [{"lr": BOOK["lr"]}, {"lr": options(0.1), "weight_decay": points(1e-8, 1e-4, 5)}, OPTIMIZERS]
)
def test_a_grid_along_one_line_is_drawn_as_any_search(space):
    assert heated(space).texts[0].get_text().startswith("The whole search: ")


def test_options_of_two_types_keep_their_order_in_a_grid():
    ax = heated({"weight_init": options("relu", 0.01, "sigmoid"), "lr": BOOK["lr"]}).axes[0]
    assert labels(ax.xaxis) == ["relu", "0.01", "sigmoid"]


@pytest.mark.parametrize("lr", [1e-6, 3e-4, 1e-2])
def test_the_best_trial_is_named_within_the_axes(lr):
    figure = mapped(table(record(0, [90], lr=lr, weight_decay=1e-6)))
    (name,) = (text for text in texts(figure) if text.get_text() == "Best-1")
    box, axes = name.get_window_extent(), figure.axes[0].bbox
    assert axes.x0 - 1 <= box.x0 and box.x1 <= axes.x1 + 1


def test_many_trials_make_no_huge_svg():
    rng = np.random.default_rng(0)
    n = 3000
    frame = pd.DataFrame(
        {
            "rank": range(1, n + 1),
            "status": "finished",
            "val_acc": rng.random(n),
            "lr": 10 ** rng.uniform(-6, -2, n),
            "weight_decay": 10 ** rng.uniform(-8, -4, n),
        }
    )
    svg = figures.svg(figures.search_map(frame, SPACE))
    assert len(svg) < 500_000 and svg.count(b"<use") < 500
    assert len(figures.svg(drawn(search(epochs=50)))) < 300_000
    assert len(figures.svg(figures.slices(frame, SPACE))) < 300_000
    assert len(figures.svg(mistaken()[0])) < 300_000
    assert len(figures.svg(figures.confirmed(*confirmation(20, 10, 50)))) < 300_000
    assert len(figures.svg(spent(3000))) < 300_000
    assert (
        len(figures.svg(heated({"lr": points(1e-7, 1e-1, 60), "weight_decay": points(1e-8, 1e-4, 40)}))) < 2e5
    )


def test_bytes_are_the_same_in_every_process(tmp_path):
    (tmp_path / "matplotlibrc").write_text("axes.grid: True\nfigure.facecolor: black\nfont.size: 20\n")
    expected = digests()
    code = (
        "import sys\nfrom tests.report.test_figures import digests\n"
        "print(*digests(), 'matplotlib.pyplot' in sys.modules)"
    )
    for seed, settings in (("1", {}), ("2", {"TZ": "Asia/Tokyo"}), ("3", {"MATPLOTLIBRC": str(tmp_path)})):
        run = subprocess.run(
            [sys.executable, "-c", code],
            cwd=Path(__file__).parents[2],
            env={**os.environ, "PYTHONHASHSEED": seed, "SOURCE_DATE_EPOCH": seed, **settings},
            capture_output=True,
            text=True,
            check=True,
        )
        assert run.stdout.split() == [*expected, "False"]


def test_files_name_no_software_and_no_time():
    figure = drawn(search(2))
    png, svg = figures.png(figure), figures.svg(figure).decode()
    assert Image.open(io.BytesIO(png)).info.keys() == {"dpi"}
    assert not any(word in svg for word in ("<dc:date>", "<dc:creator>", "matplotlib.org", "<text"))


def test_background_is_opaque_white():
    for figure in (drawn(search(2)), mapped(search(2))):
        pixels = np.asarray(Image.open(io.BytesIO(figures.png(figure))).convert("RGBA"))
        assert (pixels[..., 3] == 255).all()
        assert (pixels[0, 0] == 255).all()
        assert to_hex(figure.get_facecolor()) == "#ffffff"


def test_global_settings_stay_as_they_were():
    before = dict(matplotlib.rcParams)
    digests()
    assert dict(matplotlib.rcParams) == before
