"""The cache keeps every record that was ever made here, so that reverting an edit trains nothing.

It is in .zdl/, which Git and DVC ignore. Experiments that DVC runs in parallel share the cache of the work
tree in which they were queued. Locks prevent two processes from training the same trial.
"""

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from zdl.artifacts.artifact import Artifact
from zdl.artifacts.encoding import CorruptFileError, parsing, sealed_json
from zdl.artifacts.fingerprint import function
from zdl.artifacts.io import LOCAL, SHARED, TEMPORARY, File, others, read, read_json, write
from zdl.artifacts.schemas import Validator, is_record, is_replicate_file
from zdl.pipeline import checkpoints, records
from zdl.pipeline.locks import Timeout, trial_lock
from zdl.pipeline.records import CACHE, READY, REPLICATES, ROUNDS, TRIALS
from zdl.search.checkpoint import epochs, goes_on
from zdl.search.replicates import Replicate
from zdl.search.trial import TrainingOutput, Trial

WEIGHTS = SHARED / "weights"
CORRUPT = LOCAL / "damaged"  # files that were set aside
REPAIRED = LOCAL / "repaired"  # a note of each repair
FOLDERS = (LOCAL, Path("data"), Path("results"), Path("reports"))


class Job(NamedTuple):
    """A file to make, and its trial. `contents` turns the bytes of the record into those of the file."""

    trial: Trial
    path: Path
    contents: Callable[[bytes], bytes] = bytes

    @property
    def ready(self) -> Path:
        """Where a file that was made ahead of its job is, until the job moves it into place."""
        return READY / self.path.name


def record_job(trial: Trial) -> Job:
    """The job that makes the record of a trial."""
    return Job(trial, records.record(trial).path)


def get_or_train(trial: Trial, say: Callable[[str], None] | None = None, force: bool = False) -> None:
    """Put the record of `trial` into place, from the cache or by training (see `do`)."""
    do(record_job(trial), say, force)


def do(job: Job, say: Callable[[str], None] | None = None, force: bool = False) -> None:
    """Make the file of a job. The record comes from the cache if it is there, else from training.

    `force` trains in any case. `say` gets the lines that the book prints. If another process is training this
    trial, wait until it ends.
    """
    with trial_lock(job.trial):
        write(job.path, job.contents(_record(job.trial, say, force)))
        job.ready.unlink(missing_ok=True)  # another process may have made it meanwhile


def _record(trial: Trial, say: Callable[[str], None] | None = None, force: bool = False) -> bytes:
    cached = records.cached(trial)
    data = None if force else read_if_intact(cached) or read_if_intact(records.record(trial))
    checkpoint = None
    if data is None:
        data, checkpoint = _train(trial, say)
    write(cached.path, data)
    checkpoints.keep(trial, checkpoint)
    return data


def _train(trial: Trial, say: Callable[[str], None] | None) -> TrainingOutput:
    if log := os.environ.get("ZDL_TRAININGS"):  # for tests: a file that gets a line for each training
        with open(log, "a", encoding="utf-8") as file:
            file.write(f"{trial.name}\n")
    inputs = {argument: _read_once(file) for argument, file in records.inputs(trial).items()}
    train, more = function(trial.spec["train"]), {}
    if (length := epochs(trial.spec)) is not None and goes_on(train):
        start = None if say else checkpoints.find(trial)
        more = {"start": start, "checkpoint": checkpoints.checkpoint(trial, length).digest}
    run: Callable[..., TrainingOutput] = function(trial.entry)
    return run(trial.number, trial.spec, train=train, **inputs, say=say, **more)


@lru_cache(maxsize=2)  # all trials of a process read the same files
def _read_once(file: File) -> bytes:
    return read(file)


def do_ahead(jobs: Iterable[Job], go_on: Callable[[], bool]) -> None:
    """Make the files of further jobs ready, as long as `go_on` returns True.

    Skip trials that have a record or that another process is training. This only saves time, so it ends at
    the first failure. The job of that trial will fail in the same way and report it.
    """
    jobs = iter(jobs)
    while go_on():
        try:
            job = next(jobs)
            with trial_lock(job.trial, wait=False):
                if not job.ready.exists() and not job.path.exists():  # in this order: a job moves it
                    write(job.ready, job.contents(_record(job.trial)))
        except Timeout:
            continue
        except Exception:  # also StopIteration, at the end of the jobs
            return


def read_if_intact(file: File) -> bytes | None:
    """The bytes of a file; None if it is missing or corrupt."""
    try:
        return read(file)
    except (CorruptFileError, OSError):
        return None


def missing(files: Iterable[File]) -> list[Path]:
    """The files that are missing or corrupt."""
    return [file.path for file in files if read_if_intact(file) is None]


def keep_only_records(wanted: Iterable[Path]) -> None:
    """Remove all other records and files of rounds from results/: what DVC tracks must depend on the commit.

    Records of other searches are moved to the cache. Files of rounds are deleted: the records determine them.
    """
    wanted = set(wanted)
    for path in others(TRIALS, ROUNDS, *wanted):
        move_to_cache(path)
    for path in others(ROUNDS, *wanted):
        path.unlink(missing_ok=True)


def move_to_cache(record: Path) -> str:
    """Move a record to the cache and return "". Set a corrupt one aside, and return a line that says so."""
    if (key := _key(record)) is None:
        return set_aside(record, f"{record}: is damaged")
    cached = CACHE / f"{key}.json"
    with contextlib.suppress(FileNotFoundError):  # another process has moved it
        if _key(cached) != key:
            write(cached, record.read_bytes())  # copied: it may be a link into DVC's cache
        record.unlink()
    return ""


def _key(path: Path) -> str | None:
    """The key of a record's trial; None if the record is missing or corrupt. (It is read from the record,
    since the settings may describe another search.)"""
    contents = _read_if_intact(path, is_record)
    return Trial(contents["trial"], {}, contents["spec"]).key if contents else None


def _read_if_intact(path: Path, is_valid: Validator) -> dict[str, Any] | None:
    """The contents of a file, whatever digest it holds; None if the file is missing or corrupt."""
    try:
        with parsing(path):
            digest = str(json.loads(path.read_bytes())["digest"])
            return read_json(path, digest, is_valid)
    except (CorruptFileError, OSError):
        return None


def set_aside(path: Path, damage: str) -> str:
    """Move a corrupt file to CORRUPT. Return a line that says so; empty if another process did it."""
    CORRUPT.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        shutil.move(path, CORRUPT / path.name)  # CORRUPT may be on another file system
        return f"{damage}; it was moved to {CORRUPT} and will be made again"
    return ""


def prune(wanted: Iterable[Trial]) -> int:
    """Delete the cached records of other searches, and return their number.

    Also delete their checkpoints, files that were set aside or made ahead, notes of repairs, temporary files
    of killed processes, and all cached weights. (The weights of the current search are in results/.)
    """
    trials = list(wanted)
    keys = {trial.key for trial in trials}
    old = [path for path in others(CACHE) if path.stem not in keys]
    checkpoints.prune(trials)
    temporary = (path for folder in FOLDERS for path in folder.rglob(f"*{TEMPORARY}"))
    stale = [path for path in temporary if path in others(path.parent)]
    stale += [path for folder in (WEIGHTS, CORRUPT, READY, REPAIRED) for path in others(folder)]
    for path in (*old, *stale):
        path.unlink(missing_ok=True)
    return len(old)


def cache_weights(artifact: Artifact, path: Path) -> None:
    """Copy the weights to the cache. DVC does not track them, so `dvc checkout` and `dvc exp apply` do not
    restore those of another search."""
    if path.exists():
        write(WEIGHTS / f"{artifact.digest}{path.suffix}", path.read_bytes())


def cache_replicates() -> None:
    """Copy every replicate under results/ to the cache, including those of other searches. A search that
    ranks the same trials differently finds them there, also in a clone that pulled them."""
    for path in REPLICATES.glob("*.json"):
        contents = _read_if_intact(path, is_replicate_file)
        if contents and (record := contents["replicate"]):
            cached = records.cached(Replicate(record["trial"], {}, record["spec"]))
            if not cached.path.exists():
                write(cached.path, sealed_json(record))


def keep_only_replicates(wanted: Iterable[Path]) -> None:
    """Cache all replicates, then delete all files but these: what DVC tracks must depend on the commit."""
    cache_replicates()
    for path in others(REPLICATES, *wanted):
        path.unlink(missing_ok=True)
