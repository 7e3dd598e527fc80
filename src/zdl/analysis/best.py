"""Which trials are the best, and the files of their replicates: one for each replicate of each of the best.

The number of the best trials is known before any trial runs, but not which they are. So a file's name has a
rank and a digest of the table of trials, and the file says which trial it belongs to.
"""

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from zdl.artifacts.encoding import decode_json, sealed_json
from zdl.search.curves import last_score


def replicate_file(
    table: bytes, place: int, places: int, replicate: Callable[[int], bytes], digest: str
) -> bytes:
    """The file of a replicate of the trial at `place`, from 1, among those that are trained again; without a
    trial if fewer finished. `replicate` returns the record of the replicate of the trial with a number."""
    number = replicated_trial(table, place, places)
    record = None if number is None else decode_json(replicate(number))
    return sealed_json({"digest": digest, "trial": number, "replicate": record})


def best_trial(table: bytes, place: int) -> int | None:
    """The number of the trial at this place of the ranking, from 1; None if fewer finished."""
    best = finished(table)
    return best[place - 1] if place <= len(best) else None


def replicated_trial(table: bytes, place: int, places: int) -> int | None:
    """The number of the trial at this place among those that are trained again; None if fewer finished."""
    numbers = replicated(table, places)
    return numbers[place - 1] if place <= len(numbers) else None


@lru_cache(maxsize=1)
def replicated(table: bytes, places: int) -> list[int]:
    """The numbers of the trials that are trained again: the best ones. If the search stops trials early,
    there are so many `places`, and up to half of them go to the best stopped trials, to see whether a better
    trial was stopped. Without `places`, all trials that finished."""
    if not places:
        return finished(table)
    epochs = {record["trial"]: record.get("epochs", 0) for record in decode_json(table)["trials"]}
    best = finished(table)
    stopped_trials = [number for number in best if epochs[number] < epochs[best[0]]]
    full_trials = best[: len(best) - len(stopped_trials)]
    numbers = full_trials[: places - min(places // 2, len(stopped_trials))]
    return numbers + stopped_trials[: places - len(numbers)]


@lru_cache(maxsize=1)  # a process makes several replicates of the same search
def finished(table: bytes) -> list[int]:
    """The numbers of the trials that finished, the best first."""
    records = sorted(decode_json(table)["trials"], key=order)
    return [record["trial"] for record in records if record["outcome"]["status"] != "diverged"]


def order(record: Mapping[str, Any]) -> tuple[bool, int, float]:
    """A key that sorts trials by the last point of their validation curve, the best first. A trial that was
    stopped early comes after all that have more epochs, and diverged trials come last."""
    outcome = record["outcome"]
    score = last_score(outcome["curve"])
    worst = math.inf if score is None else -score
    return outcome["status"] == "diverged", -record.get("epochs", 0), worst
