"""The files of repeats, one for each of the best trials: made of the store's records, and put back there.

The best are not known before all trials have run, but how many of them are to be repeated is. So a file is
named by rank, and by a digest of the table that the ranking follows from; it says which trial it is of.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from zdl.files import Damaged, File, parsing, read_json, sealed_json, write
from zdl.kinds import is_confirmation
from zdl.repeats import Repeat
from zdl.store import obtain
from zdl.trial import Trial

CONFIRMED = Path("results/confirmed")


def make(trial: Trial | None, repeated: Iterable[Repeat], file: File) -> None:
    """Write the file of a trial's repeats, each restored if it was ever trained here, else trained; of no
    trial, if so few finished."""
    records = []
    for repeat in repeated:
        obtain(repeat)
        records.append(read_json(repeat.record, repeat.digest, repeat.fits))
    number = None if trial is None else trial.number
    write(file.path, sealed_json({"digest": file.digest, "trial": number, "repeats": records}))


def stock() -> None:
    """Put every repeat in the files that are there, whatever search they are of, into the store: another
    ranking of the same trials finds them, in a pulled clone too."""
    for path in CONFIRMED.glob("*.json"):
        for held in recorded(path):
            repeat = Repeat(held["trial"], {}, held["spec"])
            if not repeat.record.exists():
                write(repeat.record, sealed_json(held))


def keep_only(wanted: Iterable[Path]) -> None:
    """Of the files of repeats leave only these: what DVC tracks is a function of the commit."""
    stock()
    for path in {*CONFIRMED.glob("*")} - {*wanted}:
        path.unlink(missing_ok=True)


def recorded(path: Path) -> list[dict[str, Any]]:
    """The records in a file of repeats; none, if it is not there or not whole."""
    try:
        with parsing(path):
            told = json.loads(path.read_bytes())
            held: list[dict[str, Any]] = read_json(path, str(told["digest"]), is_confirmation)["repeats"]
            return held
    except (Damaged, OSError):
        return []
