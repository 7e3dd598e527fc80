"""The report's figures. Functions here only draw: what they show is computed in the modules of the tables."""

from zdl.figures.base import png, svg
from zdl.figures.grid import heat_map
from zdl.figures.learning import best20
from zdl.figures.space import search_map, surface_map

__all__ = ["best20", "heat_map", "png", "search_map", "surface_map", "svg"]
