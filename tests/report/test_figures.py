"""The figures' structure and their bytes; how they look was judged by eye. (Maps are in test_maps.py.)"""

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

from tests.report import figures
from tests.report.examples import (
    BASELINE,
    BATCHES,
    DIGITS,
    EXAMPLES,
    NARROW,
    OPTIMIZERS,
    SPACE,
    best20,
    digests,
    example,
    images,
    mistakes,
    rendered,
    replicated,
    search,
    search_map,
    slices,
)
from zdl.analysis import ranking


def texts(figure):
    with figures.base.style():
        figure.draw_without_rendering()  # ticks get their text as they are drawn
    artists = figure.findobj(lambda artist: isinstance(artist, matplotlib.text.Text) and artist.get_text())
    return [text for text in artists if text.get_visible()]


def inked(text):
    """The box of a text without the blank lines that it begins with."""
    box, lines = text.get_window_extent(), text.get_text().split("\n")
    share = len(text.get_text().lstrip("\n").split("\n")) / len(lines)
    return Bbox([box.min, [box.x1, box.y0 + share * box.height]])


def words(artists):
    return [text.get_text() for text in artists]


def labels(axis):
    return words(axis.get_ticklabels())


# All figures.


@pytest.mark.parametrize("name", EXAMPLES)
def test_no_text_is_cut_off_or_runs_into_another(name):
    figure = example(name)
    shown = texts(figure)
    boxes = [inked(text) for text in shown]
    for text, box in zip(shown, boxes, strict=True):
        # ticks beyond the axis are far outside, and not drawn
        whole = box.min.min() >= 0 and (box.max <= figure.bbox.size).all()
        assert whole or not box.overlaps(figure.bbox), text.get_text()
    for k, one in enumerate(boxes):
        for text, other in zip(shown[:k], boxes[:k], strict=True):
            # boxes leave room for descenders, so the eye sees no overlap in a pixel of it
            assert not one.padded(-2).overlaps(other.padded(-2)), (shown[k].get_text(), text.get_text())


@pytest.fixture(scope="session")
def files():
    """One figure of each kind as PNG and as SVG. Drawing them leaves Matplotlib's settings as they were."""
    before = dict(matplotlib.rcParams)
    drawn = rendered()
    assert dict(matplotlib.rcParams) == before
    return drawn


def test_bytes_are_the_same_in_another_process(files, tmp_path):
    (tmp_path / "matplotlibrc").write_text("axes.grid: True\nfigure.facecolor: black\nfont.size: 20\n")
    code = (
        "import sys\nfrom tests.report.examples import digests, rendered\n"
        "print(*digests(rendered()), 'matplotlib.pyplot' in sys.modules)"
    )
    other = {
        "PYTHONHASHSEED": "2",
        "SOURCE_DATE_EPOCH": "2",
        "TZ": "Asia/Tokyo",
        "MATPLOTLIBRC": str(tmp_path),
    }
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        env=os.environ | other,
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.split() == [*digests(files), "False"]


def test_files_name_no_software_and_no_time(files):
    for png, svg in files.values():
        assert Image.open(io.BytesIO(png)).info.keys() == {"dpi"}
        assert not any(
            word in svg.decode() for word in ("<dc:date>", "<dc:creator>", "matplotlib.org", "<text")
        )


def test_background_is_opaque_white(files):
    for png, _ in files.values():
        pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"))
        assert (pixels[..., 3] == 255).all()
        assert (pixels[0, 0] == 255).all()
    assert to_hex(example("one").get_facecolor()) == "#ffffff"


def test_many_trials_make_no_huge_svg():
    rng = np.random.default_rng(0)
    n = 3000
    frame = pd.DataFrame(
        {
            "rank": range(1, n + 1),
            "trial": range(n),
            "status": "finished",
            "val_acc": rng.random(n),
            "lr": 10 ** rng.uniform(-6, -2, n),
            "weight_decay": 10 ** rng.uniform(-8, -4, n),
        }
    )
    svg = figures.svg(figures.search_map(frame, SPACE))
    assert len(svg) < 500_000 and svg.count(b"<use") < 500
    assert len(figures.svg(figures.slices(frame, SPACE, range(20)))) < 300_000
    for name in ("20", "mistakes", "confirmed 20", "budget of many"):
        assert len(figures.svg(example(name))) < 300_000
    assert len(figures.svg(example("fine"))) < 200_000


# The learning curves of the best.


@pytest.mark.parametrize(
    ("trials", "rows", "columns"), [(1, 1, 1), (3, 1, 3), (5, 1, 5), (7, 2, 5), (30, 4, 5)]
)
def test_a_panel_for_each_of_the_best_five_in_a_row(trials, rows, columns):
    axes = (example("20") if trials == 30 else best20(search(trials))).axes
    assert len(axes) == min(trials, 20)
    places = [ax.get_position() for ax in axes]
    assert len({round(place.x0, 6) for place in places}) == columns
    assert len({round(place.y0, 6) for place in places}) == rows
    assert [ax.get_title(loc="left") for ax in axes] == [f"Best-{k}" for k in range(1, len(axes) + 1)]


def test_panels_have_the_books_axes():
    axes = example("20").axes
    assert {ax.get_ylim() for ax in axes} == {(0, 1)}
    assert all(ax.get_xticks().tolist() == [1, 25, 50] for ax in axes)
    assert [k for k, ax in enumerate(axes) if "".join(labels(ax.xaxis))] == [15, 16, 17, 18, 19]
    assert [k for k, ax in enumerate(axes) if ax.get_yticks().size] == [0, 5, 10, 15]
    assert len({ax.get_xlim() for ax in axes}) == 1


def test_panels_show_validation_solid_and_training_dashed():
    data = search(epochs=50)
    curves = ranking.curves(data, ranking.rank(data), 20)
    for (_, curve), ax in zip(curves.groupby("rank"), example("20").axes, strict=True):
        lines = {line.get_label(): line for line in ax.get_lines()}
        validation, training = lines["validation accuracy"], lines["training accuracy"]
        assert (validation.get_linestyle(), training.get_linestyle()) == ("-", "--")
        np.testing.assert_array_equal(validation.get_xydata(), curve[["epoch", "val_acc"]])
        np.testing.assert_array_equal(training.get_xydata(), curve[["epoch", "train_acc"]])


def test_panels_have_accuracy_lr_and_weight_decay_above_them():
    ax = example("20").axes[1]
    assert ax.get_title(loc="right") == "val acc 0.87"
    assert words(ax.texts) == ["lr 2.47e-06\nweight decay 2.22e-08"]


def test_panels_of_another_search_have_its_first_hyper_parameters_after_those_of_the_book():
    assert words(example("other").axes[0].texts) == ["lr 1.23e-06\noptimizer sgd\nbatch size 10"]


def test_one_legend_for_all_panels():
    figure = example("20")
    (legend,) = figure.legends
    assert words(legend.get_texts()) == ["validation accuracy", "training accuracy"]
    assert all(ax.get_legend() is None for ax in figure.axes)


def test_diverged_trials_have_no_panel():
    figure = best20(search(6, diverged=(0, 2)))
    assert len(figure.axes) == 4
    assert figure.axes[0].get_title(loc="right") == "val acc 0.87"
    assert words(best20(search(3, diverged=(0, 1, 2))).texts) == ["No trial finished"]


def test_one_evaluation_is_a_dot():
    assert {line.get_marker() for line in best20(search(2, epochs=1)).axes[0].get_lines()[1:]} == {"o"}


# Slices.


def test_a_slice_for_each_hyper_parameter_on_its_own_scale():
    space = {**SPACE, **BATCHES, **OPTIMIZERS, **NARROW}
    figure = slices(search(), space)
    assert [ax.get_xlabel() for ax in figure.axes] == [name.replace("_", " ") for name in space]
    assert [ax.get_xscale() for ax in figure.axes] == ["log", "log", "linear", "linear", "linear"]
    assert {ax.get_ylim() for ax in figure.axes} == {(0, 1)}
    assert len({round(ax.get_position().x0, 6) for ax in figure.axes}) == 3  # a row of three, and one of two
    assert labels(figure.axes[3].xaxis) == ["sgd", "momentum", "adam"]
    assert labels(figure.axes[4].xaxis) == ["3", "4", "5", "6", "7", "8"]


def test_slices_show_every_trial_and_the_diverged_ones_at_0():
    frame = ranking.rank(search(diverged=(0, 3)))
    ax = example("slices").axes[0]
    alive = frame[frame["status"] == "finished"]
    rest, best, ring, crosses = (dots.get_offsets().tolist() for dots in ax.collections)
    assert best == alive[["lr", "val_acc"]].head(5)[::-1].to_numpy().tolist()
    assert rest == alive[["lr", "val_acc"]].iloc[5:][::-1].to_numpy().tolist()
    assert ring == best[-1:]
    assert sorted(crosses) == [[1.23456e-6, 0], [4 * 1.23456e-6, 0]]  # one of them had reached 0.89


def test_one_is_not_counted_in_headings_and_legends():
    for trials, heading in ((1, "The only trial"), (3, "The best of 3 trials")):
        data = search(trials, diverged=range(1, trials))
        assert best20(data).texts[0].get_text() == heading
    assert "the best trial" in words(search_map(search(3), best=1).legends[0].get_texts())


def test_a_slice_counts_the_trials_in_which_its_hyper_parameter_plays_a_part():
    data = search(6)
    for k in (0, 3, 4):
        del data["trials"][k]["point"]["lr"]
    assert [ax.get_xlabel() for ax in slices(data).axes] == ["lr\n(in 3 of 6 trials)", "weight decay"]


# The budget.


def test_a_budget_shows_what_is_expected_and_what_was():
    (ax,) = example("budget").axes
    assert (ax.get_xscale(), ax.get_ylim()) == ("log", (0, 1))
    assert labels(ax.xaxis) == ["1", "2", "4", "8", "16", "33"]  # 32 has no room
    *band, curve, medians, _ = ax.lines
    assert len(band) == 2 and curve.get_linewidth() > 3 * band[0].get_linewidth()
    np.testing.assert_array_equal(curve.get_ydata(), 0.8 - 0.6 / np.arange(1, 34))
    assert medians.get_xdata().tolist() == [4, 8]  # of 16 there are only two searches
    assert words(ax.texts) == ["0.7818"]


def test_a_budget_of_some_numbers_of_trials_is_that_of_all():
    sizes = [1, 2, 4, 8, 16, 2000]
    figure = figures.budget(pd.DataFrame({"trials": sizes, "best": np.linspace(0.1, 0.6, 6)}))
    assert "The best so far: 2,000 trials" in words(figure.texts)


def test_the_best_so_far_is_a_line_of_steps():
    best = [np.nan, 0.4, 0.4, 0.7]
    (ax,) = figures.budget(pd.DataFrame({"trials": range(1, 5), "best": best})).axes
    steps, last = ax.lines
    assert (steps.get_drawstyle(), steps.get_ydata().tolist()) == ("steps-post", best[1:])
    assert last.get_xydata().tolist() == [[4, 0.7]]
    nothing = figures.budget(pd.DataFrame({"trials": [1, 2], "best": np.nan}))
    assert words(nothing.texts) == ["No trial finished"]


# The confirmed trials.


def test_confirmed_trials_are_rows_of_search_replicates_and_held_out_images():
    confirmed, replicates, _, _ = replicated()
    left, right = example("confirmed").axes
    assert labels(left.yaxis) == ["Best-1, trial 10", "Best-2, trial 11", "Best-3, trial 12\n4 of 4 diverged"]
    assert [text.get_fontweight() for text in left.get_yticklabels()] == ["normal", "bold", "normal"]
    searched, dots, mean, held_out, linear = left.lines
    for markers, name in ((searched, "val_acc"), (mean, "val_mean"), (held_out, "held_out")):
        np.testing.assert_array_equal(markers.get_xdata(), confirmed[name])
    assert searched.get_ydata()[0] < mean.get_ydata()[0] < held_out.get_ydata()[0]
    np.testing.assert_array_equal(dots.get_xdata(), replicates["val_acc"])
    assert set(linear.get_xdata()) == {BASELINE["held_out"]}
    # At the height of held-out means, and away from scores on validation images
    assert to_hex(linear.get_color()) == to_hex(held_out.get_color())
    np.testing.assert_array_equal(linear.get_ydata(), held_out.get_ydata())
    # In grey, only shapes tell them apart
    shapes = [(line.get_marker(), to_hex(line.get_markerfacecolor())) for line in left.lines]
    assert len({shape if shape[0] == "o" else shape[0] for shape in shapes}) == len(shapes)
    assert right.get_title(loc="left") == "Best-2, trial 11: the confirmed best"


def test_where_all_replicates_diverged_none_is_the_confirmed_best():
    confirmed, replicates, curves, baseline = replicated()
    third = replicates[replicates["rank"] == 3]
    (ax,) = figures.confirmed(confirmed.tail(1), third, curves.head(0), baseline).axes
    assert [text.get_fontweight() for text in ax.get_yticklabels()] == ["normal"]


def test_the_confirmed_best_has_a_curve_for_each_replicate_and_their_mean():
    _, ax = example("confirmed").axes
    *replicates, training, mean, line = ax.lines
    assert len(replicates) == 4 and (training.get_linestyle(), mean.get_linestyle()) == ("--", "-")
    np.testing.assert_allclose(mean.get_ydata(), 0.7 - 0.5 ** np.arange(5) / 2 + 0.015)
    np.testing.assert_allclose(training.get_ydata(), 1 - 0.5 ** np.arange(5))
    assert set(line.get_ydata()) == {BASELINE["val_mean"]}


def test_an_accuracy_of_1_is_drawn_whole():
    confirmed, replicates, curves, baseline = replicated()
    once = curves[curves["epoch"] == 1].assign(train_acc=1.0)
    left, right = figures.confirmed(confirmed.assign(high=1.0, val_acc=1.0), replicates, once, baseline).axes
    assert 1.005 < left.get_xlim()[1] < 1.02
    assert not any(line.get_clip_on() for line in right.get_lines() if line.get_marker() == "o")


def test_figures_without_a_confirmed_trial_say_so():
    none = [frame.iloc[:0] for frame in replicated()[:3]]
    nothing = np.empty((0, 0)), pd.DataFrame(), np.empty((0, 28, 28), "float32"), 0
    empty = figures.mistakes(*nothing, words=DIGITS, classes=list("0123456789"))
    for figure in (figures.confirmed(*none, {}), empty):
        assert words(figure.texts) == ["No trial was confirmed"]


# The mistakes.


def test_mistakes_are_shares_in_percent_and_images_with_what_they_were_taken_for():
    figure = mistakes(30)
    matrix, key, *shown = figure.axes
    assert words(figure.texts)[0].endswith("the mean of its 10 replicates, on held-out images")
    assert labels(key.xaxis) == ["0", "10", "50", "100"]
    inside = {tuple(text.get_position()): text.get_text() for text in matrix.texts}
    assert inside[(3.5, 3.5)] == "90" and inside[(4.5, 3.5)] == "10" and inside[(0.5, 9.5)] == "10"
    assert len(inside) == 20  # 0.4 percent, and nothing, are blank
    assert matrix.get_ylim() == (10, 0)  # zero on top
    assert len(shown) == 20
    np.testing.assert_array_equal(shown[7].images[0].get_array(), images(30, (28, 28))[7])
    assert shown[7].images[0].get_interpolation() == "nearest"
    assert shown[19].texts[0].get_text() == "9 taken for 0\n9 of 10, 0.97"


def test_slices_mark_the_contenders():
    data = search(30, diverged=(3,))
    figure = figures.slices(ranking.rank(data, SPACE), SPACE, [0, 1, 2, 4])
    assert "not distinguishable from Best-1 (4)" in words(figure.legends[0].texts)
    dark = [dots for dots in figure.axes[0].collections if len(dots.get_offsets()) == 4]
    assert len(dark) == 1


@pytest.mark.parametrize("shape", [(8, 6), (6, 8, 3)], ids=str)
def test_images_of_any_shape_are_drawn(shape):
    figure = mistakes(5, shape=shape)
    figures.png(figure)
    ax = figure.axes[6]
    np.testing.assert_array_equal(ax.images[0].get_array(), images(5, shape)[4])
    assert ax.get_window_extent().height > 20  # pixels: no thin line
