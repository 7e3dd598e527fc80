"""Random search from fixed streams, so that an edited range changes few points.

The value of hyper-parameter p in trial c is the first draw inside p's range from a stream keyed by
(seed, p, c) and uniform over p's sampling bounds, which contain every range. That samples the range
uniformly. The stream does not depend on the range. So when range A becomes B, a value stays with probability
|A & B| / |A | B|, and no rule without memory keeps more (coordinated sampling; see E. Cohen, "Coordinated
Sampling", 2016). More trials are appended to the old ones, and a new hyper-parameter does not change the
values of the others.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zdl.artifacts.encoding import digest
from zdl.search.distributions import NEAR, shares, stream, value
from zdl.search.samplers.base import History, Proposal


class Random:
    """Point c belongs to trial c and does not depend on the other points."""

    size = None

    def __init__(self, search: Mapping[str, Any]) -> None:
        self.space, self.seed, self.declarations = search["space"], search["seed"], search["hyperparameters"]

    def propose(self, history: History, n: int) -> list[Proposal]:
        return [Proposal(self.point(trial), trial) for trial in range(len(history), len(history) + n)]

    def point(self, trial: int) -> dict[str, Any]:
        """The point of a trial."""
        return {
            name: draw(name, spec, self.seed, trial, self.declarations[name]["sampling"])
            for name, spec in self.space.items()
        }


def draw(
    name: str, spec: Mapping[str, Any], seed: int, trial: int, sampling: Mapping[str, Sequence[float]]
) -> Any:
    """The value of hyper-parameter `name` in `trial`: a float, an int, or one of the options.

    `sampling` maps each distribution to its bounds.
    """
    if spec["distribution"] == "choice":
        return _choose(name, spec["options"], seed, trial)
    kind, low, high = spec["distribution"], spec["low"], spec["high"]
    bounds = (sampling[kind][0], sampling[kind][1])
    for u in _in_reach(_uniforms(seed, name, trial), shares(kind, bounds, low, high)):
        if low <= (x := value(kind, u, *bounds)) <= high:
            return x
    raise AssertionError("an endless stream ended")


def _choose(name: str, options: Sequence[Any], seed: int, trial: int) -> Any:
    """The option with the highest digest of (seed, name, trial, option).

    An option that is added changes only the trials in which it is the highest (rendezvous hashing).
    """
    return max(options, key=lambda option: digest([seed, name, trial, option]))


def _uniforms(seed: int, name: str, trial: int) -> Iterator[NDArray[np.float64]]:
    """The stream of (seed, name, trial), uniform on [0, 1) with 53 bits, in chunks of growing size."""
    bits = stream(seed, name, trial)
    for k in itertools.count():
        yield (bits.random_raw(32 << min(k, 15)) >> np.uint64(11)) * np.float64(2**-53)


def _in_reach(chunks: Iterator[NDArray[np.float64]], limits: tuple[float, float]) -> Iterator[float]:
    """The draws that may lie inside, up to rounding. Only these get exact values, which are slow."""
    low, high = limits
    for u in chunks:
        yield from u[(u >= low - NEAR) & (u <= high + NEAR)].tolist()
