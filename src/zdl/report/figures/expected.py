"""What a model expects of the score, as lines over the trials."""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.contour import ContourSet
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from zdl.analysis.ranking import CROWDED
from zdl.report.figures.base import INK, QUIET

# As `zdl.analysis.surrogate.surface` gives it: values along each axis, and the score expected over them
Surface = tuple[Sequence[NDArray[Any]], NDArray[np.float64]]
CONTOUR = "#9a9a9a"
FEW = 4  # contours


def draw_expected(ax: Axes, places: pd.DataFrame, surface: Surface) -> list[Line2D]:
    """Draw a curve over one hyper-parameter, or a few contours at tenths over two. Returns legend handles."""
    values, mean = surface
    if len(values) == 1:
        return list(ax.plot(values[0], mean, color=INK, lw=1.4, zorder=1, label="expected"))
    tenths = np.arange(2, 10) / 10  # chance gives 0.1: that contour would wander over level ground
    levels = tenths[(tenths > mean.min()) & (tenths < mean.max())]
    if not len(levels):
        return []
    levels = levels[:: -(-len(levels) // FEW)]
    contours = ax.contour(*values, mean.T, levels, colors=CONTOUR, linewidths=0.8, zorder=1)
    if spots := _label_spots(ax, contours, places):
        labels = ax.clabel(contours, manual=spots, fmt="%.1f", fontsize=8, colors=QUIET, inline=False)
        for label in labels:
            label.set(rotation=0, path_effects=[withStroke(linewidth=4, foreground="white")])
    if len(places) > CROWDED:  # the ground is dark
        contours.set_path_effects([withStroke(linewidth=2.4, foreground="white")])
    return [Line2D([], [], color=CONTOUR, lw=0.8, label="expected")]


def _label_spots(ax: Axes, contours: ContourSet, places: pd.DataFrame) -> list[NDArray[np.float64]]:
    """For each long line, the spot that is farthest from the trials and from the labels before it."""
    box = ax.bbox.padded(-0.15 * ax.figure.dpi)
    occupied = ax.transData.transform(places[["x", "y"]].to_numpy("float64"))
    spots = []
    for line in itertools.chain(*contours.allsegs):
        pixels = ax.transData.transform(line)
        inside = pixels[[bool(box.contains(x, y)) for x, y in pixels]]
        if len(inside) and np.ptp(pixels, axis=0).max() > ax.figure.dpi:
            room = np.linalg.norm(inside[:, None] - occupied, axis=2).min(axis=1)
            spot = inside[room.round(3).argmax()]
            occupied = np.vstack([occupied, spot])
            spots.append(ax.transData.inverted().transform(spot))
    return spots
