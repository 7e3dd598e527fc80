"""The report's figures. Functions here only draw: what they show is computed in the modules of the tables."""

from zdl.report.figures.base import png, svg
from zdl.report.figures.budget import budget
from zdl.report.figures.confirmed import confirmed, mistakes
from zdl.report.figures.grid import heat_map
from zdl.report.figures.learning import best20
from zdl.report.figures.overlay import overlay
from zdl.report.figures.slices import slices
from zdl.report.figures.space import search_map, surface_map

__all__ = [
    "best20",
    "budget",
    "confirmed",
    "heat_map",
    "mistakes",
    "overlay",
    "png",
    "search_map",
    "slices",
    "surface_map",
    "svg",
]
