"""All that draws a figure, by name: each is in a module of its own, so a job imports only what it draws."""

from zdl.report.figures import base
from zdl.report.figures.base import png, svg
from zdl.report.figures.best20 import best20
from zdl.report.figures.budget import budget
from zdl.report.figures.confirmed import confirmed
from zdl.report.figures.errors import errors
from zdl.report.figures.heat_map import heat_map
from zdl.report.figures.mistakes import mistakes
from zdl.report.figures.overlay import overlay
from zdl.report.figures.search_map import search_map
from zdl.report.figures.slices import slices
from zdl.report.figures.surface_map import surface_map

__all__ = [
    "base",
    "best20",
    "budget",
    "confirmed",
    "errors",
    "heat_map",
    "mistakes",
    "overlay",
    "png",
    "search_map",
    "slices",
    "surface_map",
    "svg",
]
