"""The files of replicates, one for each of the best trials.

The best are not known before all trials have run, but their number is. So a file is named by rank, and by a
digest of the table that the ranking follows from; it says which trial it is of.
"""

from collections.abc import Callable, Iterable

from zdl.analysis.ranking import rank, top
from zdl.artifacts.encoding import decode_json, sealed_json


def replicates_file(
    table: bytes, place: int, replicate: Callable[[int], Iterable[bytes]], digest: str
) -> bytes:
    """The file of the trial that is on this place of the ranking, from 1; of no trial, if fewer finished.

    `replicate` gives the records of the replicates of the trial with a number.
    """
    number = best_trial(table, place)
    records = [] if number is None else [decode_json(record) for record in replicate(number)]
    return sealed_json({"digest": digest, "trial": number, "replicates": records})


def best_trial(table: bytes, place: int) -> int | None:
    """The number of the trial on this place of the ranking, from 1; None if fewer finished."""
    best = top(rank(decode_json(table)), place)["trial"]
    return int(best.iloc[-1]) if len(best) == place else None
