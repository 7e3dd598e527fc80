"""The figures' structure and their bytes; how they look was judged by eye."""

import hashlib
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
from PIL import Image
from test_ranking import record, table

from zdl import figures, ranking

SPACE = {
    "lr": {"distribution": "log_uniform", "low": 1e-6, "high": 1e-2},
    "weight_decay": {"distribution": "log_uniform", "low": 1e-8, "high": 1e-4},
}
BATCHES = {"batch_size": {"distribution": "int_uniform", "low": 10, "high": 200}}
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


def digests():
    """SHA-256 of both figures in both formats."""
    data = search(6, diverged=(3,))
    return [
        hashlib.sha256(form(figure)).hexdigest()
        for figure in (drawn(data), mapped(data))
        for form in (figures.png, figures.svg)
    ]


def texts(figure):
    with figures._style():
        figure.draw_without_rendering()  # ticks get their text as they are drawn
    found = figure.findobj(lambda artist: isinstance(artist, matplotlib.text.Text) and artist.get_text())
    return [text for text in found if text.get_visible()]


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


def test_panels_of_another_search_tell_its_first_two_hyper_parameters():
    ax = drawn(search(), names=["optimizer", "batch_size", "momentum"]).axes[0]
    assert [text.get_text() for text in ax.texts] == ["optimizer sgd\nbatch size 10"]


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
    ],
    ids=["best20", "one", "other", "map", "batches", "optimizers"],
)
def test_no_text_is_cut_off_or_runs_into_another(make):
    figure = make()
    shown = texts(figure)
    boxes = [text.get_window_extent() for text in shown]
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


def test_bytes_are_the_same_in_every_process(tmp_path):
    (tmp_path / "matplotlibrc").write_text("axes.grid: True\nfigure.facecolor: black\nfont.size: 20\n")
    expected = digests()
    code = "import sys, test_figures as t; print(*t.digests(), 'matplotlib.pyplot' in sys.modules)"
    for seed, settings in (("1", {}), ("2", {"TZ": "Asia/Tokyo"}), ("3", {"MATPLOTLIBRC": str(tmp_path)})):
        run = subprocess.run(
            [sys.executable, "-c", code],
            cwd=Path(__file__).parent,
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
