"""Samplers: how a search chooses its points. A sampler is a class in a module here, and an entry in SAMPLERS.

`search.method` in the settings names it. Its own settings are also under `search`, and the schema lists them.
"""

from collections.abc import Mapping
from typing import Any

from zdl.config.checks import HALVINGS
from zdl.search.samplers.base import History, Learner, Point, Proposal, Sampler
from zdl.search.samplers.bayes import Bayes
from zdl.search.samplers.by_optuna import SETTINGS, ByOptuna
from zdl.search.samplers.grid import Grid
from zdl.search.samplers.halton import Halton
from zdl.search.samplers.halving import Halving, Hyperband
from zdl.search.samplers.random import Random

__all__ = [
    "HALVINGS",
    "LEARNERS",
    "SAMPLERS",
    "History",
    "Learner",
    "Point",
    "Proposal",
    "Sampler",
    "learner",
    "sampler",
]

LEARNERS: dict[str, type[Learner]] = {
    "bayes": Bayes,
    **dict.fromkeys(SETTINGS, ByOptuna),
    "halving": Halving,
    "hyperband": Hyperband,
}
SAMPLERS: dict[str, type[Sampler]] = {"random": Random, "grid": Grid, "halton": Halton, **LEARNERS}


def sampler(search: Mapping[str, Any]) -> Sampler:
    """The sampler that the settings under `search` name."""
    return SAMPLERS[search["method"]](search)


def learner(search: Mapping[str, Any]) -> Learner:
    """The sampler of a search that learns."""
    return LEARNERS[search["method"]](search)
