"""The score that a model predicts, as lines over the trials."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.contour import ContourSet
from matplotlib.lines import Line2D
from matplotlib.path import Path
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from zdl.analysis.ranking import CROWDED
from zdl.report.figures.base import INK, QUIET
from zdl.report.figures.scale import Scale

# From `zdl.analysis.surrogate.surface`: values along each axis, and the scores predicted over them
Surface = tuple[Sequence[NDArray[Any]], NDArray[np.float64]]
CONTOUR = "#9a9a9a"
SOLID: Any = {"negative_linestyles": "solid"}
FEW = 4  # contours
SHORT = 0.5  # inches: a shorter line has no room for its score


def draw_expected(ax: Axes, places: pd.DataFrame, surface: Surface, scale: Scale) -> list[Line2D]:
    """Draw a curve over one hyper-parameter, or a few contours at tenths (of another score than accuracy: at
    round numbers) over two. Returns legend handles."""
    values, mean = surface
    if len(values) == 1:
        return list(ax.plot(values[0], mean, color=INK, lw=1.4, zorder=1, label="expected"))
    tenths = np.array(scale.ticks(10))
    if scale.score.counts:
        tenths = np.arange(2, 10) / 10  # a contour at 0.1, the score of chance, would be noise
    levels = tenths[(tenths > mean.min()) & (tenths < mean.max())]
    if not len(levels):
        return []
    levels = levels[:: -(-len(levels) // FEW)]
    contours = ax.contour(*values, mean.T, levels, colors=CONTOUR, linewidths=0.8, zorder=1, **SOLID)
    _label(ax, contours, places)
    if len(places) > CROWDED:  # the cells are dark
        contours.set_path_effects([withStroke(linewidth=2.4, foreground="white")])
    return [Line2D([], [], color=CONTOUR, lw=0.8, label="expected")]


def _label(ax: Axes, contours: ContourSet, places: pd.DataFrame) -> None:
    """Write its score on each line, inside the axes, at the spot that is farthest from the trials and from
    earlier labels. Lines that are too short for a label are removed."""
    dpi = ax.figure.dpi
    box = ax.bbox.padded(-0.15 * dpi)
    obstacles = ax.transData.transform(places[["x", "y"]].to_numpy("float64"))
    paths = []
    for level, lines in zip(contours.levels, contours.allsegs, strict=True):
        in_pixels = [(line, ax.transData.transform(line)) for line in lines]
        long_lines = [
            (line, pixels) for line, pixels in in_pixels if np.ptp(pixels, axis=0).max() > SHORT * dpi
        ]
        for _, pixels in long_lines:
            spots = pixels.clip(box.min, box.max)
            inside = (spots == pixels).all(axis=1)
            spots = spots[inside] if inside.any() else spots  # a line along the edge has its label beside it
            room = np.linalg.norm(spots[:, None] - obstacles, axis=2).min(axis=1)
            spot = spots[room.round(3).argmax()]
            obstacles = np.vstack([obstacles, spot])
            x, y = ax.transData.inverted().transform(spot)
            ax.text(
                x,
                y,
                f"{level:.1f}" if level == round(level, 1) else f"{level:.3g}",
                ha="center",
                va="center",
                fontsize=8,
                color=QUIET,
                path_effects=[withStroke(linewidth=4, foreground="white")],
            )
        paths.append(Path.make_compound_path(*(Path(line) for line, _ in long_lines)))
    contours.set_paths(paths)
