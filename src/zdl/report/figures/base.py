"""The common parts of all figures: style, bytes, and axes placed in inches.

The modules do not use pyplot or change global settings. Each figure is drawn and saved with STYLE and
Matplotlib's defaults, whatever the user's matplotlibrc says, so the same table gives the same bytes in every
process.
"""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

# From the palette of Okabe and Ito, for colour-blind readers. In print, line styles distinguish them
VALIDATION, TRAINING, DIVERGED, HELD_OUT = "#0072B2", "#D55E00", "#D55E00", "#009E73"
PALE = "#56B4E9"  # for the many dots or lines behind a few dark ones
INK, QUIET, FAINT = "#1a1a1a", "#5a5a5a", "#dddddd"
DPI = 200  # a figure 9 inches wide is shown about 900 pixels wide; twice as many look sharp on any screen
MANY = 1000  # more points than this are one image in the SVG
STYLE = {
    "font.family": ["DejaVu Sans"],  # Matplotlib ships it
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": "#888888",
    "axes.labelcolor": INK,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "legend.frameon": False,
    "svg.fonttype": "path",  # independent of the fonts of a reader
    "svg.hashsalt": "zdl",  # makes the ids in the SVG reproducible
}
# Settings of the machine that do not change how a figure looks
MACHINE = ("backend", "backend_fallback", "interactive", "toolbar", "timezone", "savefig.directory")


@contextmanager
def style() -> Iterator[None]:
    """Matplotlib's defaults with STYLE, while a figure is drawn or saved."""
    defaults: dict[Any, Any] = dict(matplotlib.rcParamsDefault.items())
    looks = {name: value for name, value in defaults.items() if name not in MACHINE}
    with matplotlib.rc_context(looks | STYLE):
        yield


def png(figure: Figure) -> bytes:
    """The figure as PNG: opaque, DPI pixels an inch, without the software's name or a time."""
    return _saved(figure, format="png", dpi=DPI, metadata={"Software": None})


def svg(figure: Figure) -> bytes:
    """The figure as SVG: opaque, with text as paths, without the software's name or a time."""
    return _saved(figure, format="svg", dpi=DPI / 2, metadata={"Date": None, "Creator": None})


def _saved(figure: Figure, **options: Any) -> bytes:
    file = io.BytesIO()
    with style():
        figure.savefig(file, facecolor="white", **options)
    return file.getvalue()


def new_figure(width: float, height: float, heading: str) -> Figure:
    """An empty figure, its size in inches, with a heading in its upper left corner."""
    figure = Figure(figsize=(width, height), facecolor="white")
    FigureCanvasAgg(figure)
    figure.text(0.1 / width, 1 - 0.1 / height, heading, va="top", fontsize=11, fontweight="bold")
    return figure


def add_axes(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Axes placed in inches from the figure's upper left corner."""
    w, h = figure.get_size_inches()
    return figure.add_axes((left / w, 1 - (top + height) / h, width / w, height / h))


def add_legend(figure: Figure, handles: Sequence[Artist], handlelength: float, left: float = 0.02) -> None:
    """A legend in one line under the heading, starting at `left` inches."""
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


def legend_handle(label: str, **look: Any) -> Line2D:
    """A marker for a legend."""
    return Line2D([], [], linestyle="", label=label, **look)
