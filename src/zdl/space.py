"""Which points a random search tries: fixed streams, so that an edit of a range moves few of them.

The value of hyper-parameter p in trial c is the first draw inside today's range of a stream that is keyed
by (seed, p, c) and uniform over p's *universe*, a box wider than any range. That is exactly uniform
sampling inside the range; and since the stream stays when the range is edited, a value survives with
probability |A & B| / |A | B|, the most that a rule without memory can keep (coordinated sampling; see
E. Cohen, "Coordinated Sampling", 2016). Trials beyond the old number append, and a hyper-parameter that
comes or goes leaves the values of the others alone.

Streams are raw bits of PCG64 seeded through SeedSequence, which NumPy promises across its versions (what
Generator makes of them, it does not), and powers of ten are taken in decimal: the points are the same
on every machine.
"""

import decimal
import hashlib
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zdl.files import canonical

# The numeric distributions that a hyper-parameter may have, and the box that any of its ranges lies in.
# A value of a box, not of taste: a wider universe makes nothing better and every draw longer.
UNIVERSE: dict[str, dict[str, tuple[float, float]]] = {
    "lr": {"log_uniform": (1e-12, 1e4), "uniform": (0.0, 10.0)},
    "weight_decay": {"log_uniform": (1e-16, 1e4), "uniform": (0.0, 10.0)},
    "batch_size": {"int_uniform": (1, 8192)},
    "optimizer": {},
    "momentum": {"uniform": (0.0, 1.0)},
    "decay_rate": {"uniform": (0.0, 1.0)},
    "beta1": {"uniform": (0.0, 1.0)},
    "beta2": {"uniform": (0.0, 1.0)},
    "activation": {},
    "weight_init": {"log_uniform": (1e-8, 1e2), "uniform": (0.0, 10.0)},
    "hidden_width": {"int_uniform": (1, 8192)},
    "hidden_depth": {"int_uniform": (1, 64)},
    "epochs": {"int_uniform": (1, 8192)},
}

DIGITS = 12  # significant digits of a drawn value: fewer than any two ways of computing it differ by
EXACT = decimal.Context(prec=28)


def points(space: Mapping[str, Mapping[str, Any]], seed: int, trials: int) -> Iterator[dict[str, Any]]:
    """The searched values of trials 0, 1, ..., trials - 1, keyed as `space` is."""
    for trial in range(trials):
        yield {name: draw(name, spec, seed, trial) for name, spec in space.items()}


def draw(name: str, spec: Mapping[str, Any], seed: int, trial: int) -> Any:
    """The value of hyper-parameter `name` in `trial`: a float, an int, or one of the options."""
    if spec["distribution"] == "choice":
        return _choose(name, spec["options"], seed, trial)
    universe = UNIVERSE[name][spec["distribution"]]
    low, high = spec["low"], spec["high"]
    value = _VALUE[spec["distribution"]]
    for u in _near(_uniforms(seed, name, trial), _shares(spec["distribution"], universe, low, high)):
        if low <= (drawn := value(u, *universe)) <= high:
            return drawn
    raise AssertionError("an endless stream ended")


def _choose(name: str, options: Sequence[Any], seed: int, trial: int) -> Any:
    """The option with the best score; a score belongs to (seed, name, trial, option) and to nothing else,
    so a new option takes over only the trials that it wins (rendezvous hashing)."""
    return max(options, key=lambda option: hashlib.sha256(canonical([seed, name, trial, option])).digest())


def _uniforms(seed: int, name: str, trial: int) -> Iterator[NDArray[np.float64]]:
    """The stream of (seed, name, trial), uniform on [0, 1) with 53 bits, in growing chunks."""
    key = int.from_bytes(hashlib.sha256(canonical([seed, name, trial])).digest())
    bits = np.random.PCG64(np.random.SeedSequence(key))
    for k in itertools.count():
        yield (bits.random_raw(32 << min(k, 15)) >> np.uint64(11)) * np.float64(2**-53)


def _near(chunks: Iterator[NDArray[np.float64]], shares: tuple[float, float]) -> Iterator[float]:
    """The draws that may lie inside: a quick look, before each of them is taken at its exact value."""
    low, high = shares
    for u in chunks:
        yield from u[(u >= low - 1e-9) & (u <= high + 1e-9)].tolist()


def _shares(distribution: str, universe: tuple[float, float], low: float, high: float) -> tuple[float, float]:
    """Where `low` and `high` lie in the universe, as shares of it."""
    if distribution == "log_uniform":
        start, end = (math.log10(bound) for bound in universe)
        low, high = math.log10(low), math.log10(high)
    else:
        start, end = universe
        end += distribution == "int_uniform"
        high += distribution == "int_uniform"
    return (low - start) / (end - start), (high - start) / (end - start)


def _log_uniform(u: float, low: float, high: float) -> float:
    start, end = (Decimal(repr(bound)).log10(EXACT) for bound in (low, high))
    exponent = EXACT.add(start, EXACT.multiply(EXACT.subtract(end, start), Decimal(u)))
    return _rounded(EXACT.power(10, exponent))


def _uniform(u: float, low: float, high: float) -> float:
    start, end = Decimal(repr(low)), Decimal(repr(high))
    return _rounded(EXACT.add(start, EXACT.multiply(EXACT.subtract(end, start), Decimal(u))))


def _int_uniform(u: float, low: float, high: float) -> int:
    return int(low) + int(u * (int(high) - int(low) + 1))


def _rounded(value: Decimal) -> float:
    return float(f"{value:.{DIGITS - 1}e}")


_VALUE = {"log_uniform": _log_uniform, "uniform": _uniform, "int_uniform": _int_uniform}
