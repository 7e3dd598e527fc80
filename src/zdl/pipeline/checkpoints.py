"""Where checkpoints are: in the local cache, the newest ones, up to a size.

They hold numbers to the last bit. Those differ between processors, so a checkpoint has the names of the
kernels that made it in its digest, and others do not take it. Without one, a training begins anew.
"""

import logging
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cache

import numpy as np

from zdl import Error
from zdl.artifacts.encoding import CorruptFileError, digest
from zdl.artifacts.io import SHARED, File, others, read, write
from zdl.search.checkpoint import course, epochs
from zdl.search.trial import Trial

CHECKPOINTS = SHARED / "checkpoints"
LIMIT = "ZDL_CHECKPOINTS_MB"  # the variable that sets another limit
MEGABYTES = 1000

log = logging.getLogger(__name__)


def stem(trial: Trial) -> str:
    """What the names of a trial's checkpoints begin with; the number of epochs follows."""
    return f"{trial.number:04d}-{course(trial.spec)[:12]}"


def checkpoint(trial: Trial, length: int) -> File:
    """The checkpoint of a trial after so many epochs."""
    key = digest([course(trial.spec), length, kernels()])
    return File(CHECKPOINTS / f"{stem(trial)}-{length}.npz", key)


def lengths() -> Mapping[str, list[int]]:
    """The epochs of the checkpoints that are there, by what their names begin with."""
    there = defaultdict(list)
    for path in others(CHECKPOINTS):
        stem, _, length = path.stem.rpartition("-")
        if length.isdecimal():
            there[stem].append(int(length))
    return there


def earlier(trial: Trial, there: Mapping[str, list[int]]) -> list[int]:
    """The epochs from which a trial can go on, the most first."""
    last = epochs(trial.spec) or 0
    return sorted((length for length in there.get(stem(trial), ()) if length < last), reverse=True)


def find(trial: Trial) -> bytes | None:
    """The checkpoint from which a trial goes on."""
    for length in earlier(trial, lengths()):
        file = checkpoint(trial, length)
        try:
            return read(file)
        except CorruptFileError:
            log.warning(f"{file.path}: is damaged, or of another processor; it is not used")
    return None


def keep(trial: Trial, data: bytes | None) -> None:
    """Keep the checkpoint of a trial, and delete the oldest ones above the limit."""
    most = limit()
    if data is None or len(data) > most:
        return
    write(checkpoint(trial, epochs(trial.spec) or 0).path, data)
    ages = []
    for path in others(CHECKPOINTS):
        with suppress(FileNotFoundError):  # another process deletes, too
            ages.append((path.stat().st_mtime_ns, path.stat().st_size, path))
    for _, size, path in sorted(ages, reverse=True):
        most -= size
        if most < 0:
            path.unlink(missing_ok=True)


def prune(wanted: Iterable[Trial]) -> None:
    """Delete the checkpoints of other trials than these."""
    stems = {stem(trial) for trial in wanted}
    for path in others(CHECKPOINTS):
        if path.stem.rpartition("-")[0] not in stems:
            path.unlink(missing_ok=True)


def limit() -> int:
    """The size in bytes of all checkpoints together, at most."""
    text = os.environ.get(LIMIT, str(MEGABYTES))
    if not text.isdecimal():
        raise Error(f"{LIMIT}: {text!r} is no size (allowed: a whole number of megabytes; 0 keeps none)")
    return int(text) * 10**6


@cache
def kernels() -> list[str]:
    """What the last bits of a computation depend on, beside its code."""
    from threadpoolctl import threadpool_info  # here alone: only a training needs it

    libraries = [f"{each['internal_api']} {each.get('architecture')}" for each in threadpool_info()]
    features: list[str] = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    return sorted(libraries) + features
