"""Locks between processes. A lock is released when the process that holds it ends, even if it is killed."""

from pathlib import Path

from filelock import FileLock, Timeout

from zdl.artifacts.io import LOCAL, SHARED
from zdl.search.trial import Trial

__all__ = ["Timeout", "rounds_lock", "run_lock", "trial_lock"]


def trial_lock(trial: Trial, wait: bool = True) -> FileLock:
    """The lock for making the record of a trial. Without `wait`, entering it may raise Timeout. The name of
    its file is the trial's number and, for a replicate, that of the replicate."""
    name = "-".join(f"{number:04d}" for number in trial.spec["seed"][1:])
    return _lock(SHARED / "locks" / f"{name}.lock", wait)


def rounds_lock() -> FileLock:
    """The lock for writing or moving the file of a round."""
    return _lock(LOCAL / "rounds.lock")


def run_lock() -> FileLock:
    """The lock for running Snakemake as a stage of DVC."""
    return _lock(LOCAL / "trials.lock")


def _lock(path: Path, wait: bool = True) -> FileLock:
    path.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(path, timeout=-1 if wait else 0)
