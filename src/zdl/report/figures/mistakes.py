"""The classes that the confirmed best trial confuses, and its surest mistakes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import LinearSegmentedColormap, PowerNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from zdl.report.figures.base import FAINT, INK, QUIET, VALIDATION, add_axes, new_figure, style
from zdl.report.formatting import plural

SHOWN, COLUMNS = 20, 5  # images, and images in a row
LEFT, TOP = 4.5, 0.8  # of the list of mistakes, in inches
WIDTH, HEIGHT, SIDE = 0.9, 0.87, 0.55  # of an image with its caption, and of the image alone
LINES, LINE = 11, 0.31  # rows of the list, and the height of one
NUMBERED = 12  # classes: with more, cells are too small for numbers
SHORT = 3  # letters of a class: longer names are small or vertical, and cut
ROOM, WIDE = 9, 20  # letters of a class: beside the matrix or an image; in the list
FEW = 4  # classes: with more, names beside the matrix are shorter

Deviations = Sequence[Sequence[tuple[str, float, float]]]


def mistakes(
    confusion: NDArray[np.float64],
    mistakes: pd.DataFrame,
    details: NDArray[Any] | Deviations,
    trial: int | None,
    *,
    words: Mapping[str, Any],
    classes: Sequence[str],
) -> Figure:
    """On the left the confusion matrix of trial number `trial`, in whole percent; on the right its mistakes.

    confusion  shares (classes, classes); each row adds up to 1
    mistakes   the table of `zdl.analysis.mistakes.mistakes`
    details    of each mistake, an image (height, width), 1 for ink and 0 for paper, or in colour (..., 3); or
               the columns in which it deviates most, from `zdl.analysis.mistakes.deviations`
    words      the nouns for `row`, `class` and `model`
    """
    with style():
        if not len(confusion):
            return new_figure(4, 0.4, "No trial was confirmed")
        networks = f"its {mistakes['repeats'].max()} replicates" if len(mistakes) else "its replicates"
        rows = plural(words["row"])
        figure = new_figure(
            9, 4.75, f"What trial {trial} takes for what: the mean of {networks}, on held-out {rows}"
        )
        mesh = _draw_confusion(add_axes(figure, 0.6, TOP, 3.45, 3.45), confusion, words["class"], classes)
        _draw_key(figure, mesh)
        surest = f"the surest mistakes: wrong in how many {plural(words['model'])}, and how sure they were"
        _write_heading(figure, 0.6, f"percent of the {rows} of a {words['class']}")
        _write_heading(figure, LEFT, surest if len(mistakes) else "no mistakes")
        records = mistakes.to_dict("records")
        if isinstance(details, np.ndarray):
            draw_images(figure, [_caption(row, classes) for row in records], details, small=_long(classes))
        else:
            captions = [f"{_confusion_text(row, classes, WIDE)}: {_frequency_text(row)}" for row in records]
            write_rows(figure, captions, details)
    return figure


def _write_heading(figure: Figure, left: float, text: str) -> None:
    w, h = figure.get_size_inches()
    figure.text(left / w, 1 - 0.6 / h, text, fontsize=8, color=QUIET, va="center")


def draw_images(figure: Figure, captions: Sequence[str], images: NDArray[Any], *, small: bool) -> None:
    """Draw images on the right, with captions below them."""
    look = {"fontsize": 6, "linespacing": 1.0} if small else {"fontsize": 8}
    for k, caption in enumerate(captions[:SHOWN]):
        row, column = divmod(k, COLUMNS)
        ax = add_axes(figure, LEFT + column * WIDTH, TOP + row * HEIGHT, SIDE, SIDE)
        ax.imshow(images[k], cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set(color=FAINT, visible=True)
        ax.annotate(
            caption,
            (0, 0),
            (0, -3),
            xycoords="axes fraction",
            textcoords="offset points",
            va="top",
            parse_math=False,  # a name may have dollars
            **look,
        )


def write_rows(figure: Figure, captions: Sequence[str], deviations: Deviations) -> None:
    """Write two lines for each row on the right: its caption, and the columns far from their mean."""
    w, h = figure.get_size_inches()
    for k, (caption, columns) in enumerate(zip(captions[:LINES], deviations, strict=False)):
        y = TOP + 0.05 + k * LINE
        figure.text(LEFT / w, 1 - y / h, caption, fontsize=8, va="center", parse_math=False)
        text = "; ".join(f"{name} {value:.3g} ({score:+.1f} sd)" for name, value, score in columns)
        figure.text(
            (LEFT + 0.1) / w,
            1 - (y + LINE / 2) / h,
            text if len(text) <= 80 else f"{text[:79]}…",
            fontsize=7,
            color=QUIET,
            va="center",
            parse_math=False,
        )


def _caption(mistake: Mapping[Any, Any], classes: Sequence[str]) -> str:
    """The caption of an image: two lines, or three narrow ones for long names."""
    text = _confusion_text(mistake, classes, ROOM)
    text = text.replace(" taken for ", " taken\nfor ") if _long(classes) else text
    return f"{text}\n{_frequency_text(mistake)}"


def _confusion_text(mistake: Mapping[Any, Any], classes: Sequence[str], room: int) -> str:
    names = (_cut(classes[mistake[column]], room) for column in ("label", "taken_for"))
    return " taken for ".join(names)


def _frequency_text(mistake: Mapping[Any, Any]) -> str:
    return f"{mistake['wrong']} of {mistake['repeats']}, {mistake['confidence']:.2f}"


def _long(classes: Sequence[str]) -> bool:
    return max(map(len, classes)) > SHORT


def _cut(text: str, room: int) -> str:
    """A name cut in the middle if it is too long, as names of classes may differ only at their ends."""
    return text if len(text) <= room else f"{text[: (room - 1) // 2]}…{text[-(room // 2) :]}"


def _draw_key(figure: Figure, mesh: QuadMesh) -> None:
    """Draw the colour bar, in percent."""
    key = add_axes(figure, 2.75, TOP - 0.24, 1.3, 0.08)
    bar = figure.colorbar(mesh, cax=key, orientation="horizontal", ticks=[0, 0.1, 0.5, 1])
    bar.ax.set_xticklabels(["0", "10", "50", "100"], fontsize=7)
    bar.ax.tick_params(length=0, pad=2, top=True, bottom=False, labeltop=True, labelbottom=False)
    bar.outline.set_visible(False)


def _draw_confusion(
    ax: Axes, confusion: NDArray[np.float64], class_name: str, classes: Sequence[str]
) -> QuadMesh:
    """Draw a matrix of shares, in colours and in whole percent. Returns the mesh."""
    numbered = len(classes) <= NUMBERED
    cmap = LinearSegmentedColormap.from_list("shares", ["#ffffff", VALIDATION, "#00304d"])
    edges = np.arange(len(classes) + 1)
    mesh = ax.pcolormesh(
        edges,
        edges,
        confusion,
        cmap=cmap,
        norm=PowerNorm(0.5, 0, 1),
        edgecolors="white",
        linewidth=1 if numbered else 0,
    )
    ax.set(xlim=(0, len(classes)), ylim=(len(classes), 0))
    ticks = edges[: -1 : -(-len(classes) // (2 * NUMBERED))]  # of many classes, only some
    long, few = _long(classes), len(ticks) <= FEW
    names = [_cut(classes[k], ROOM if few else ROOM - 3) for k in ticks]
    small: dict[str, Any] = {"labelpad": 0, "fontsize": 8} if long and not few else {}
    ax.set_xlabel("taken for", **small)
    ax.set_ylabel(class_name, **small)
    ax.xaxis.set_ticks(ticks + 0.5, names, rotation=90 if small else 0, parse_math=False)
    ax.yaxis.set_ticks(ticks + 0.5, names, rotation=90 if long and few else 0, va="center", parse_math=False)
    ax.tick_params(labelsize=6 if small else 8, length=0)
    ax.spines[:].set_visible(False)
    for (i, j), share in np.ndenumerate(confusion):
        if numbered and (percent := round(100 * share)):
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
