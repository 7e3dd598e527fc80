"""Quasi-random search: a scrambled Halton sequence, which fills the space more evenly than chance does.

One sequence runs through the *universe* of every searched hyper-parameter (a box wider than any range, see
`zdl.search.distributions`), and the points of a search are its first ones that lie inside all of today's
ranges. So an edit of a range keeps every point that lies in both, and adds later ones: of 100 points, lr
1e-6..1e-2 narrowed to 1e-4..1e-2 keeps 50, and shifted to 1e-5..1e-1 74 (a random search 51 and 59, a
sequence stretched over the range none; means of 20 seeds). A filtered sequence is nearly as even as one of
the box itself: 100 points over lr and weight decay have a discrepancy of 0.011, those 0.008, random ones
0.031 (L2-star, median of 20).

Of a small box in a wide universe few points in a million are inside, so the rest are never looked at: the
first digits of n in base b say in which cell of width 1/b, 1/b^2, ... point n lies, and a sieve over n,
like that for primes, keeps the residues whose cells touch the box.

The sequence is J. H. Halton's ("On the efficiency of certain quasi-random sequences", 1960): coordinate i of
point n is n's digits in the i-th prime base, mirrored at the point. Each digit goes through a random
permutation of its own (A. B. Owen, "A randomized Halton algorithm in R", 2017), as in scipy.stats.qmc.Halton,
and given the same permutations the points are SciPy's. They are drawn here because SciPy draws them by
Generator.shuffle, which NumPy does not promise to keep; these are raw bits of PCG64, which it does promise.
"""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from zdl.search.distributions import NEAR, SAMPLING_BOUNDS, shares, stream, value
from zdl.search.samplers.base import History, Proposal

PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71)  # one a hyper-parameter


class Halton:
    """Bases go to the searched hyper-parameters in the universe's order, the smallest, and best, first."""

    size = None
    batch = None

    def __init__(self, search: Mapping[str, Any]) -> None:
        self.space = search["space"]
        names = [name for name in SAMPLING_BOUNDS if name in self.space]
        self.axes = [
            Axis(name, self.space[name], base, search["seed"])
            for name, base in zip(names, PRIMES[: len(names)], strict=True)
        ]

    def propose(self, history: History, n: int) -> list[Proposal]:
        return list(itertools.islice(self._points(len(history) + n), len(history), len(history) + n))

    def _points(self, wanted: int) -> Iterator[Proposal]:
        for k in candidates(self.axes, wanted):
            point = {}
            for axis in self.axes:
                if (found := axis.value(k)) is None:
                    break
                point[axis.name] = found
            else:
                yield Proposal({name: point[name] for name in self.space})


class Axis:
    """One coordinate of the sequence, and the range or the options that it is for.

    `low` and `high` are the range as shares of its universe, all of it for options.
    """

    def __init__(self, name: str, spec: Mapping[str, Any], base: int, seed: int) -> None:
        self.name, self.spec, self.base = name, spec, base
        self.permutations = permutations(seed, name, base)
        self.low, self.high = 0.0, 1.0
        if "options" not in spec:
            kind = spec["distribution"]
            self.low, self.high = shares(kind, SAMPLING_BOUNDS[name][kind], spec["low"], spec["high"])

    def cell(self, n: int, depth: int) -> int:
        """The cell, of the base**depth ones of equal width, that point n lies in: its first digits."""
        cell = 0
        for permutation in self.permutations[:depth]:
            n, digit = divmod(n, self.base)
            cell = cell * self.base + permutation[digit]
        return cell

    def touches(self, cell: int, depth: int) -> bool:
        """Whether some of a cell lies in the range."""
        cells: int = self.base**depth
        return (self.low - NEAR) * cells <= cell + 1 and cell <= (self.high + NEAR) * cells

    def value(self, n: int) -> Any:
        """The value of point n: a float, an int, or one of the options; None if it is not in the range."""
        depth = len(self.permutations)
        cell = self.cell(n, depth)
        u = cell / self.base**depth  # below 1: there are less than 2**54 cells
        if "options" in self.spec:
            return self.spec["options"][int(u * len(self.spec["options"]))]
        if not self.touches(cell, depth):
            return None
        kind = self.spec["distribution"]
        exact = value(kind, u, *SAMPLING_BOUNDS[self.name][kind])
        return exact if self.spec["low"] <= exact <= self.spec["high"] else None


def permutations(seed: int, name: str, base: int) -> list[list[int]]:
    """A random permutation of the digits for each place, as many places as a float can tell apart."""
    bits = stream(seed, "halton", name)
    places = math.ceil(54 / math.log2(base)) - 1
    return [np.argsort(bits.random_raw(base), kind="stable").tolist() for _ in range(places)]


def candidates(axes: Sequence[Axis], wanted: int) -> Iterator[int]:
    """Every n whose point may lie in all ranges, in order, and as few others as a sieve can tell.

    How far the sieve goes decides how long this takes and never what is found: it stops where one period
    holds about as many points as are wanted.
    """
    period, residues, depths = 1, [0], [0] * len(axes)
    touched = [1.0] * len(axes)  # the share of its universe that is in cells that touch the range
    while period * math.prod(axis.high - axis.low for axis in axes) < wanted:
        i = max(range(len(axes)), key=lambda i: touched[i] / (axes[i].high - axes[i].low))
        axis = axes[i]
        depths[i] += 1
        cells = {n: axis.cell(n, depths[i]) for k in range(axis.base) for n in _shifted(residues, k * period)}
        residues = [n for n, cell in cells.items() if axis.touches(cell, depths[i])]
        period *= axis.base
        touched[i] = len({cells[n] for n in residues}) / axis.base ** depths[i]
    residues.sort()
    for start in itertools.count(0, period):
        yield from _shifted(residues, start)


def _shifted(residues: Sequence[int], by: int) -> Iterator[int]:
    return (n + by for n in residues)
