"""Keep checkpoints in the local cache: the newest ones, up to a total size.

A checkpoint holds exact floating-point numbers. Their last bits differ between processors, so its digest
covers the names of the kernels that computed it, and other kernels do not use it. Without a checkpoint, a
training starts at the beginning.
"""

import logging
import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np

from zdl import Error
from zdl.artifacts.encoding import CorruptFileError, digest
from zdl.artifacts.io import SHARED, File, others, read, write
from zdl.search.checkpoint import course, epochs
from zdl.search.trial import Trial

CHECKPOINTS = SHARED / "checkpoints"
WRITTEN = CHECKPOINTS / "written"  # one byte per kB of checkpoints written since they were last listed
LIMIT = "ZDL_CHECKPOINTS_MB"  # an environment variable that replaces MEGABYTES
MEGABYTES = 1000

log = logging.getLogger(__name__)


def folder(trial: Trial) -> Path:
    """The folder of a trial's checkpoints. Each trial has one, since listing all checkpoints takes long."""
    return CHECKPOINTS / f"{trial.number:04d}-{course(trial.spec)[:12]}"


def checkpoint(trial: Trial, length: int) -> File:
    """The checkpoint of a trial after `length` epochs."""
    key = digest([course(trial.spec), length, kernels()])
    return File(folder(trial) / f"{length}.npz", key)


def lengths_below(trial: Trial) -> list[int]:
    """After how many epochs checkpoints exist from which a trial can go on, the greatest number first."""
    last = epochs(trial.spec) or 0
    lengths = (int(path.stem) for path in others(folder(trial)) if path.stem.isdecimal())
    return sorted((length for length in lengths if length < last), reverse=True)


def find(trial: Trial) -> bytes | None:
    """The checkpoint with the most epochs from which a trial can go on; None if there is none."""
    for length in lengths_below(trial):
        file = checkpoint(trial, length)
        try:
            return read(file)
        except CorruptFileError:
            log.warning(f"{file.path}: is damaged, or of another processor; it is not used")
    return None


def keep(trial: Trial, data: bytes | None) -> None:
    """Keep the checkpoint of a trial, and delete the oldest ones above the limit.

    Listing all checkpoints takes longer than a short training, so it is done only after each tenth of the
    limit that was written.
    """
    max_bytes = limit()
    if data is None or len(data) > max_bytes:
        return
    write(checkpoint(trial, epochs(trial.spec) or 0).path, data)
    with WRITTEN.open("ab", buffering=0) as file:  # several processes may append to it
        file.write(bytes(len(data) // 1000 + 1))
        size = file.tell() * 1000
    if size > max_bytes // 10:
        WRITTEN.unlink(missing_ok=True)
        _delete_oldest(max_bytes)


def _delete_oldest(max_bytes: int) -> None:
    ages = []
    for path in CHECKPOINTS.rglob("*.npz"):
        with suppress(FileNotFoundError):  # another process may delete it
            ages.append((path.stat().st_mtime_ns, path.stat().st_size, path))
    for _, size, path in sorted(ages, reverse=True):
        max_bytes -= size
        if max_bytes < 0:
            path.unlink(missing_ok=True)


def prune(wanted: Iterable[Trial]) -> None:
    """Delete the checkpoints of all trials except these."""
    for path in others(CHECKPOINTS, *map(folder, wanted)):
        shutil.rmtree(path, ignore_errors=True)


def limit() -> int:
    """The maximum total size of all checkpoints, in bytes."""
    text = os.environ.get(LIMIT, str(MEGABYTES))
    if not text.isdecimal():
        raise Error(f"{LIMIT}: {text!r} is not a size (allowed: a whole number of megabytes; 0 keeps none)")
    return int(text) * 10**6


@cache
def kernels() -> list[str]:
    """The kernels and processor features that the last bits of a computation depend on, besides its code."""
    from threadpoolctl import threadpool_info  # only here: only a training needs it

    libraries = [f"{each['internal_api']} {each.get('architecture')}" for each in threadpool_info()]
    features: list[str] = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    return sorted(libraries) + features
