"""Locks between processes. A lock ends with the process that holds it, however that ends."""

from pathlib import Path

from filelock import FileLock, Timeout

from zdl.artifacts.io import LOCAL, SHARED
from zdl.search.trial import Trial

__all__ = ["Timeout", "rounds_lock", "run_lock", "trial_lock"]


def trial_lock(trial: Trial, wait: bool = True) -> FileLock:
    """The lock of whoever makes the record of a trial; without `wait`, entering it may raise Timeout. Its
    name is the trial's number, and the replicate's."""
    name = "-".join(f"{number:04d}" for number in trial.spec["seed"][1:])
    return _lock(SHARED / "locks" / f"{name}.lock", wait)


def rounds_lock() -> FileLock:
    """The lock of whoever writes the file of a round, or moves one."""
    return _lock(LOCAL / "rounds.lock")


def run_lock() -> FileLock:
    """The lock of whoever has Snakemake make trials for DVC."""
    return _lock(LOCAL / "trials.lock")


def _lock(path: Path, wait: bool = True) -> FileLock:
    path.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(path, timeout=-1 if wait else 0)
