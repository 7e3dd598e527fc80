"""Which classes the confirmed best trial confuses, and the images that it is most surely wrong about."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import LinearSegmentedColormap, PowerNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from zdl.report.figures.base import FAINT, INK, QUIET, VALIDATION, add_axes, new_figure, style

SHOWN, COLUMNS = 20, 5  # images, and of these in a row
LEFT, TOP = 4.5, 0.8  # where the images begin, in inches
WIDTH, HEIGHT, SIDE = 0.9, 0.87, 0.55  # of an image with its caption, and of the image alone


def mistakes(
    confusion: NDArray[np.float64],
    mistakes: pd.DataFrame,
    images: NDArray[np.float32],
    trial: int | None,
    class_name: str,
) -> Figure:
    """Left, which classes trial number `trial` takes for which; right, its surest mistakes.

    confusion   shares (classes, classes), each row's adding up to 1: in whole percent, blank below 0.5
    mistakes    as `zdl.analysis.replication.mistakes` gives them: the first 20 are shown
    images      of the mistakes (n, height, width), 1 for ink and 0 for paper; or in colour (..., 3)
    class_name  the word for what an image shows, such as digit
    """
    with style():
        if not len(confusion):
            return new_figure(4, 0.4, "No trial was confirmed")
        networks = f"its {mistakes['repeats'].max()} replicates" if len(mistakes) else "its replicates"
        heading = f"What trial {trial} takes for what: the mean of {networks}, on held-out images"
        figure = new_figure(9, 4.75, heading)
        mesh = _draw_confusion(add_axes(figure, 0.6, TOP, 3.45, 3.45), confusion, class_name)
        _draw_key(figure, mesh)
        shown = mistakes.head(SHOWN).to_dict("records")
        w, h = figure.get_size_inches()
        surest = "the surest mistakes: wrong in how many networks, and how sure they were"
        for left, text in (
            (0.6, f"percent of the images of a {class_name}"),
            (LEFT, surest if shown else "no mistakes"),
        ):
            figure.text(left / w, 1 - 0.6 / h, text, fontsize=8, color=QUIET, va="center")
        for k, mistake in enumerate(shown):
            row, column = divmod(k, COLUMNS)
            ax = add_axes(figure, LEFT + column * WIDTH, TOP + row * HEIGHT, SIDE, SIDE)
            _draw_mistake(ax, mistake, images[k])
    return figure


def _draw_mistake(ax: Axes, mistake: Mapping[Any, Any], image: NDArray[np.float32]) -> None:
    """Draw an image, with what it was taken for under it."""
    ax.imshow(image, cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
    if len(image) == 1:
        ax.set_aspect("auto")  # stripes, not a thin line
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set(color=FAINT)
    ax.annotate(
        f"{mistake['digit']} taken for {mistake['taken_for']}\n"
        f"{mistake['wrong']} of {mistake['repeats']}, {mistake['confidence']:.2f}",
        (0, 0),
        (0, -3),
        xycoords="axes fraction",
        textcoords="offset points",
        va="top",
        fontsize=8,
    )


def _draw_key(figure: Figure, mesh: QuadMesh) -> None:
    """Which colour is how many percent."""
    key = add_axes(figure, 2.75, TOP - 0.24, 1.3, 0.08)
    bar = figure.colorbar(mesh, cax=key, orientation="horizontal", ticks=[0, 0.1, 0.5, 1])
    bar.ax.set_xticklabels(["0", "10", "50", "100"], fontsize=7)
    bar.ax.tick_params(length=0, pad=2, top=True, bottom=False, labeltop=True, labelbottom=False)
    bar.outline.set_visible(False)


def _draw_confusion(ax: Axes, confusion: NDArray[np.float64], class_name: str) -> QuadMesh:
    """Draw a matrix of shares, in colours and in whole percent. Returns what is coloured."""
    cmap = LinearSegmentedColormap.from_list("shares", ["#ffffff", VALIDATION, "#00304d"])
    classes = len(confusion)
    edges = np.arange(classes + 1)
    mesh = ax.pcolormesh(
        edges, edges, confusion, cmap=cmap, norm=PowerNorm(0.5, 0, 1), edgecolors="white", linewidth=1
    )
    ax.set(xlim=(0, classes), ylim=(classes, 0), xlabel="taken for", ylabel=class_name)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_ticks(edges[:-1] + 0.5, [str(k) for k in range(classes)])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    for (i, j), share in np.ndenumerate(confusion):
        if percent := round(100 * share):
            ax.text(
                j + 0.5,
                i + 0.5,
                str(percent),
                ha="center",
                va="center",
                fontsize=8,
                color="white" if share > 0.2 else INK,
                fontweight="bold" if i == j else "normal",
            )
    return mesh
