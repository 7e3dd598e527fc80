"""Which trials are the best, and the files of their replicates: one for each replicate of each of the best.

The best are not known before all trials have run, but their number is. So a file is named by rank, and by a
digest of the table that the ranking follows from; it says which trial it is of.
"""

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from zdl.artifacts.encoding import decode_json, sealed_json
from zdl.search.curves import last_score


def replicate_file(table: bytes, place: int, replicate: Callable[[int], bytes], digest: str) -> bytes:
    """The file of a replicate of the trial that is on this place of the ranking, from 1; of none, if fewer
    finished. `replicate` gives the record of the replicate of the trial with a number."""
    number = best_trial(table, place)
    record = None if number is None else decode_json(replicate(number))
    return sealed_json({"digest": digest, "trial": number, "replicate": record})


def best_trial(table: bytes, place: int) -> int | None:
    """The number of the trial on this place of the ranking, from 1; None if fewer finished."""
    best = finished(table)
    return best[place - 1] if place <= len(best) else None


@lru_cache(maxsize=1)  # a process goes on with further replicates of the same search
def finished(table: bytes) -> list[int]:
    """The numbers of the trials that finished, the best first."""
    records = sorted(decode_json(table)["trials"], key=order)
    return [record["trial"] for record in records if record["outcome"]["status"] != "diverged"]


def order(record: Mapping[str, Any]) -> tuple[bool, float]:
    """A key that sorts trials: those that finished by the last point of their validation curve, then those
    that diverged. Ties stay in the order of the search."""
    outcome = record["outcome"]
    score = last_score(outcome["curve"])
    return outcome["status"] == "diverged", math.inf if score is None else -score
