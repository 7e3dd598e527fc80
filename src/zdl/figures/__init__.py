"""The report's figures. Functions here only draw: what they show is computed in the modules of the tables."""

from zdl.figures.base import png, svg
from zdl.figures.budget import budget
from zdl.figures.confirmed import confirmed, mistakes
from zdl.figures.grid import heat_map
from zdl.figures.learning import best20
from zdl.figures.overlay import overlay
from zdl.figures.slices import slices
from zdl.figures.space import search_map, surface_map

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
