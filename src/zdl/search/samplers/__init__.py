"""How a search chooses its points. A sampler is a class in a module here, and an entry in SAMPLERS.

`search.method` of the settings names it. Its own settings are also under `search`, where the schema has them.
"""

from collections.abc import Mapping
from typing import Any

from zdl.search.samplers.base import History, Point, Proposal, Sampler
from zdl.search.samplers.bayes import Bayes
from zdl.search.samplers.grid import Grid
from zdl.search.samplers.halton import Halton
from zdl.search.samplers.random import Random

__all__ = ["SAMPLERS", "History", "Point", "Proposal", "Sampler", "sampler"]

SAMPLERS: dict[str, type[Sampler]] = {"random": Random, "grid": Grid, "halton": Halton, "bayes": Bayes}


def sampler(search: Mapping[str, Any]) -> Sampler:
    """The sampler of the settings under `search`."""
    return SAMPLERS[search["method"]](search)
