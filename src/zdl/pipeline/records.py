"""The paths of the records of trials and replicates, and of the files that they are made from.

A run starts a process for every few trials, so this module imports little. All other paths are in
`zdl.pipeline.paths`.
"""

import os
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from zdl.artifacts.io import SHARED, File
from zdl.artifacts.schemas import PREPARED, SPLIT, is_record, is_replicate
from zdl.search.replicates import Replicate
from zdl.search.trial import Trial

TRIALS = Path("results/trials")
ROUNDS = TRIALS / "rounds"  # among the records: DVC warns of a tracked directory that stays empty
SPLITS, PREPARED_ROWS, HELD_OUT = Path("data/split"), Path("data/prepared"), Path("data/held_out")
REPLICATES = Path("results/replicates")
CACHE = SHARED / "trials"  # every record that was ever made here
READY = Path("results/ready")  # files that were made ahead of their jobs


def record(trial: Trial) -> File:
    """The record of a trial. That of a replicate is in the cache only; its file under results/ holds it."""
    if isinstance(trial, Replicate):
        return cached(trial)
    return File(TRIALS / f"{trial.name}.json", trial.digest, is_record)


def cached(trial: Trial) -> File:
    """The record of a trial in the cache."""
    is_valid = is_replicate if isinstance(trial, Replicate) else is_record
    return File(CACHE / f"{trial.key}.json", trial.digest, is_valid)


def ready(file: File) -> File:
    """The same file in READY, where it is if it was made ahead of its job."""
    return File(READY / file.path.name, file.digest, file.is_valid)


def inputs(trial: Trial) -> dict[str, File]:
    """The files that a trial is made from, by the name of the argument that gets their bytes."""
    split = trial.spec["split"]
    if isinstance(trial, Replicate):
        return {
            "prepared": _rows(PREPARED_ROWS, split["of"]),
            "held_out": _rows(HELD_OUT, trial.spec["held_out"]),
        }
    return {"split": File(SPLITS / f"{split[:12]}.npz", split, SPLIT)}


def _rows(folder: Path, digest: str) -> File:
    return File(folder / f"{digest[:12]}.npz", digest, PREPARED)


def end_future(paths: Iterable[Path]) -> None:
    """Set time stamps in the future to now: Snakemake refuses an output that is older than an input, even
    than one marked as `ancient`."""
    now = time.time()
    for path in paths:
        with suppress(OSError):
            if path.stat().st_mtime > now:
                os.utime(path)
