"""What a search that learns says of its hyper-parameters, and of the ends of their ranges.

Its trials lie where earlier ones scored well. So nearly all of them may crowd at an end, and a test of
whether the best do more than all has no power there. The search itself shows where it expects better ones:
where its proposals pile up, and whether the scores that its surrogate predicts rise to the very
end.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zdl.analysis.effects import NEAR_END, OUTER
from zdl.analysis.ranges import place
from zdl.analysis.surrogate import MODELLED, Surrogate
from zdl.config.checks import PROPOSING
from zdl.search.samplers import History

SURE = 3.0  # standard errors of a difference that is seen
PILED = 0.5  # of the later half of the proposals


def learnt(settings: Mapping[str, Any], history: History) -> dict[str, dict[str, Any]]:
    """By hyper-parameter: whether two of the predicted scores are surely apart, `effect`, and of each end
    `judged_low` and `judged_high`, and the share of the later proposals in that outer tenth, `piled_low` and
    `piled_high`. Empty if the search had only its first round, or of a method that does not learn."""
    search, modelled = settings["search"], history[-MODELLED:]
    if search["method"] not in PROPOSING or len(history) <= search["batch"]:
        return {}
    if all(score is None for _, score in modelled):
        return {}
    surrogate, out = Surrogate(search, modelled), {}
    proposed = [point for point, _ in history[search["batch"] :]]
    for name, spec in search["space"].items():
        later = [point[name] for point in proposed[len(proposed) // 2 :] if name in point]
        scores, errors = surrogate.along(name)
        below = (scores.max() - scores) / errors  # the greatest
        out[name] = {"effect": bool(below.max() > SURE)}
        if "options" not in spec and later:
            places = np.array([place(spec, value) for value in later])
            out[name] |= _ends(below, places, effect=out[name]["effect"])
    return out


def _ends(below: NDArray[np.float64], places: NDArray[np.float64], *, effect: bool) -> dict[str, Any]:
    """What is known of the two ends, from how far the predicted scores along a range are below the greatest,
    in standard errors, and the places of the later proposals."""
    last = len(below) - 1
    greatest, inner = np.flatnonzero(below < 1e-6) / last, round(NEAR_END * last)
    row: dict[str, Any] = {}
    for end, towards, here, before in (("low", 1 - places, 0, inner), ("high", places, last, last - inner)):
        piled = float((towards >= 1 - OUTER - 1e-9).mean())
        row[f"piled_{end}"] = round(piled, 6)
        distance = float(np.abs(greatest - here / last).min())  # of the greatest from this end
        rises = distance <= OUTER / 4 and below[before] > SURE
        row[f"judged_{end}"] = _state(piled, rises=effect and rises, falls=effect and below[here] > SURE)
    return row


def _state(piled: float, *, rises: bool, falls: bool) -> str:
    """`crowded`: the later proposals pile up there, and the predicted scores rise to that end. `falls`: they
    pile up, but surely fall before the end. `clear`: elsewhere scores are surely greater. Or `unclear`."""
    if piled >= PILED:
        return "crowded" if rises else "falls" if falls else "unclear"
    return "clear" if falls else "unclear"
