"""Locks between processes. A lock ends with the process that holds it, however that ends."""

from pathlib import Path

from filelock import FileLock, Timeout

from zdl.artifacts.io import LOCAL, SHARED

__all__ = ["Timeout", "rounds_lock", "run_lock", "trial_lock"]


def trial_lock(number: int, wait: bool = True) -> FileLock:
    """The lock of whoever makes the record of a trial; without `wait`, entering it may raise Timeout."""
    return _lock(SHARED / "locks" / f"{number:04d}.lock", wait)


def rounds_lock() -> FileLock:
    """The lock of whoever writes the file of a round, or moves one."""
    return _lock(LOCAL / "rounds.lock")


def run_lock() -> FileLock:
    """The lock of whoever has Snakemake make trials for DVC."""
    return _lock(LOCAL / "trials.lock")


def _lock(path: Path, wait: bool = True) -> FileLock:
    path.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(path, timeout=-1 if wait else 0)
