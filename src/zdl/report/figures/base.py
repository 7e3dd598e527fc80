"""What all figures share: style, bytes, and axes placed in inches.

No pyplot and no change of global settings: each figure is made and saved under STYLE and Matplotlib's own
defaults, whatever the user's matplotlibrc says. The same table gives the same bytes in every process.
Names with an underscore are for the modules that draw.
"""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

VALIDATION, TRAINING = "#0072B2", "#D55E00"  # Okabe and Ito's, for colour-blind readers; dashed in print
PALE = "#56B4E9"  # for the many, among which some are dark
DIVERGED, INK, QUIET, FAINT = "#D55E00", "#1a1a1a", "#5a5a5a", "#dddddd"
DPI = 200  # twice the pixels of a page 900 wide, for sharp screens
MANY = 1000  # from so many points on they are one image in the SVG
STYLE = {
    "font.family": ["DejaVu Sans"],  # comes with Matplotlib, and is found there first
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": "#888888",
    "axes.labelcolor": INK,
    "axes.linewidth": 0.7,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "legend.frameon": False,
    "svg.fonttype": "path",  # looks alike everywhere, whatever fonts a reader has
    "svg.hashsalt": "zdl",  # ids in the SVG come from it instead of from chance
}
_MACHINE = ("backend", "backend_fallback", "interactive", "toolbar", "timezone", "savefig.directory")


@contextmanager
def _style() -> Iterator[None]:
    defaults: dict[Any, Any] = dict(matplotlib.rcParamsDefault.items())
    with matplotlib.rc_context({key: defaults[key] for key in defaults if key not in _MACHINE} | STYLE):
        yield


def png(figure: Figure) -> bytes:
    """The figure as PNG, DPI pixels an inch, opaque, naming no software and no time."""
    return _saved(figure, format="png", dpi=DPI, metadata={"Software": None})


def svg(figure: Figure) -> bytes:
    """The figure as SVG, opaque, its text drawn as paths, naming no software and no time."""
    return _saved(figure, format="svg", dpi=DPI / 2, metadata={"Date": None, "Creator": None})


def _saved(figure: Figure, **how: Any) -> bytes:
    file = io.BytesIO()
    with _style():
        figure.savefig(file, facecolor="white", **how)
    return file.getvalue()


def _figure(width: float, height: float, heading: str) -> Figure:
    """An empty figure, its size in inches, with a heading in its upper left corner."""
    figure = Figure(figsize=(width, height), facecolor="white")
    FigureCanvasAgg(figure)
    figure.text(0.1 / width, 1 - 0.1 / height, heading, va="top", fontsize=11, fontweight="bold")
    return figure


def _axes(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Axes placed in inches from the figure's upper left corner."""
    w, h = figure.get_size_inches()
    return figure.add_axes((left / w, 1 - (top + height) / h, width / w, height / h))


def _legend(figure: Figure, handles: Sequence[Artist], handlelength: float, left: float = 0.02) -> None:
    """A legend in a line beneath the heading, from `left` on in inches."""
    w, h = figure.get_size_inches()
    figure.legend(
        handles=handles,
        ncols=len(handles),
        loc="upper left",
        bbox_to_anchor=(left / w, 1 - 0.3 / h),
        borderpad=0.2,
        handlelength=handlelength,
        columnspacing=1.6,
    )


def _scatter(ax: Axes, places: pd.DataFrame, **look: Any) -> PathCollection:
    """Dots at x and y, whole even on the edge of the range."""
    look = {"rasterized": len(places) > MANY, "clip_on": False, **look}
    return ax.scatter(places["x"], places["y"], **look)


def _faint(trials: int) -> float:
    """The alpha of dots that lie over each other: where they are denser, it is darker."""
    return min(1.0, max(0.03, 1500 / trials))


def _handle(label: str, **look: Any) -> Line2D:
    return Line2D([], [], linestyle="", label=label, **look)
