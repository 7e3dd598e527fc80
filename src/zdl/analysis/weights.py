"""The weights of the best trial, as a file."""

from collections.abc import Callable, Mapping
from typing import Any

from numpy.typing import NDArray

from zdl.analysis.best import best_trial
from zdl.artifacts.encoding import decode_json, decode_npz, digest, sealed_npz
from zdl.artifacts.schemas import WEIGHTS
from zdl.search.trial import Train, describe, training


def best(
    table: bytes,
    split: bytes,
    *,
    train: Train,
    weights: Callable[[Any], Mapping[str, NDArray[Any]]] | None,
    spec: Callable[[int], Mapping[str, Any]],
    say: Callable[[str], object],
) -> dict[str, bytes]:
    """The weights of the best trial, which is trained once more. The file is empty if no trial finished, or
    if the problem saves no weights. `spec` returns what determines the trial with a number.
    """
    number = best_trial(table, 1)
    if number is None or weights is None:
        reason = "the problem saves none" if weights is None else "no trial finished"
        say(f"no weights are saved: {reason}")
        return {"best.npz": sealed_npz({}, WEIGHTS)}
    history, predictor = training(spec(number), decode_npz(split), train)
    trials = enumerate(decode_json(table)["trials"])
    place, result = next((place, row["result"]) for place, row in trials if row["trial"] == number)
    if digest(describe(history)) != result:
        say(f"note: trial {place} has another outcome here than in its record: the processor differs")
    return {"best.npz": sealed_npz(weights(predictor), WEIGHTS)}
