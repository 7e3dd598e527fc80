"""What a search that learns shows of its hyper-parameters, and of the ends of their ranges.

Its trials lie where earlier ones scored well. So nearly all of them may crowd at an end, where a test that
compares the best trials with all has no power. Its proposals and its surrogate show more: where the proposals
crowd, and whether the predicted scores rise to the very end.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zdl.analysis.effects import NEAR_END, OUTER
from zdl.analysis.ranges import place
from zdl.analysis.surrogate import MODEL_TRIALS, Surrogate
from zdl.config.checks import PROPOSING
from zdl.search.samplers import History

CLEAR_DIFFERENCE = 3.0  # standard errors between two predicted scores that clearly differ
CROWDED_SHARE = 0.5  # of the later proposals (the second half), at an end that may be crowded


def surrogate_evidence(settings: Mapping[str, Any], history: History) -> dict[str, dict[str, Any]]:
    """A row for each hyper-parameter: `effect`, whether two of the predicted scores clearly differ; for each
    end `judged_low` and `judged_high` (`_state`); and `piled_low` and `piled_high`, the share of the later
    proposals in the outer tenth. Empty for a method that does not learn, or after its first round only."""
    search, last_trials = settings["search"], history[-MODEL_TRIALS:]
    if search["method"] not in PROPOSING or len(history) <= search["batch"]:
        return {}
    if all(score is None for _, score in last_trials):
        return {}
    surrogate, rows = Surrogate(search, last_trials), {}
    proposals = [point for point, _ in history[search["batch"] :]]
    for name, spec in search["space"].items():
        later_values = [point[name] for point in proposals[len(proposals) // 2 :] if name in point]
        scores, errors = surrogate.scores_along(name)
        deficits = (scores.max() - scores) / errors
        rows[name] = {"effect": bool(deficits.max() > CLEAR_DIFFERENCE)}
        if "options" not in spec and later_values:
            places = np.array([place(spec, value) for value in later_values])
            rows[name] |= _ends(deficits, places, effect=rows[name]["effect"])
    return rows


def _ends(deficits: NDArray[np.float64], places: NDArray[np.float64], *, effect: bool) -> dict[str, Any]:
    """The state of both ends. `deficits` (n,) are how far the predicted scores along a range lie below the
    greatest, in standard errors, and `places` (m,) are those of the later proposals."""
    last = len(deficits) - 1
    best_places, steps = np.flatnonzero(deficits < 1e-6) / last, round(NEAR_END * last)
    row: dict[str, Any] = {}
    for end, nearness, edge, inner in (
        ("low", 1 - places, 0, steps),
        ("high", places, last, last - steps),
    ):
        share = float((nearness >= 1 - OUTER - 1e-9).mean())
        row[f"piled_{end}"] = round(share, 6)
        distance = float(np.abs(best_places - edge / last).min())  # from this end to the greatest score
        rises = distance <= OUTER / 4 and deficits[inner] > CLEAR_DIFFERENCE
        row[f"judged_{end}"] = _state(
            share, rises=effect and rises, falls=effect and deficits[edge] > CLEAR_DIFFERENCE
        )
    return row


def _state(share: float, *, rises: bool, falls: bool) -> str:
    """The state of an end. `crowded`: the later proposals crowd there, and the predicted scores rise to it.
    `falls`: proposals crowd there, but scores clearly fall before the end. `clear`: few proposals lie there,
    and scores are clearly greater elsewhere. Otherwise `unclear`."""
    if share >= CROWDED_SHARE:
        return "crowded" if rises else "falls" if falls else "unclear"
    return "clear" if falls else "unclear"
