"""Repair: move corrupt files out of the way, since both engines accept any file that exists.

Damage is looked for whenever Snakemake reads the Snakefile. No file is changed then, since it may be a dry
run. A run repairs the damage in a separate job; the files are then missing and are made again.
"""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from zdl.artifacts import manifest
from zdl.artifacts.artifact import Artifact
from zdl.artifacts.encoding import CorruptFileError, digest
from zdl.artifacts.io import File, read, read_json
from zdl.artifacts.schemas import WEIGHTS as KIND
from zdl.pipeline import cache, records
from zdl.pipeline.locks import rounds_lock
from zdl.pipeline.paths import WEIGHTS, Paths
from zdl.pipeline.progress import Progress
from zdl.search.rounds import history
from zdl.search.samplers import Point


def damage(paths: Paths) -> dict[Path, str]:
    """The files that must be moved away, each with what is wrong with it. The text is empty for a file that
    is right in itself, but was made from one that must be moved away."""
    progress = Progress(paths)
    damaged = dict(_rounds(progress)) if paths.rounds else {}
    for artifact in paths.artifacts:
        if line := _damage(artifact):
            damaged[artifact.path] = line
    files = [records.record(trial) for trial in progress.trials.values()]
    for file in (*files, *map(records.ready, (*files, *paths.replicates))):
        if file.path not in damaged and (line := _damage(file)):
            damaged[file.path] = line
    return damaged


def _damage(file: File) -> str:
    if file.path.exists():  # checked first, since another process may be about to make a missing file
        try:
            if isinstance(file, Artifact) and file.published:
                return "".join(f"{path}: is not what was made" for path in manifest.changed_files(file)[:1])
            read(file)
        except CorruptFileError as error:
            return str(error)
    return ""


def _rounds(progress: Progress) -> Iterator[tuple[Path, str]]:
    """The files of rounds and their records, beginning with the first round whose file is missing or does not
    follow from the records before it. From there, the search may continue differently. (Records that are
    needed again are then in the cache.)"""
    paths = progress.paths
    number, line = _first_wrong(progress)
    for round_ in paths.rounds[number:]:
        path = paths.round_path(round_)
        if path.exists():
            yield path, line or _damage(File(path, round_.digest))
        line = ""
        for record in paths.record_places(round_.names):
            if record.exists():
                yield record, ""


def _first_wrong(progress: Progress) -> tuple[int, str]:
    """The index in `paths.rounds` of the first round whose file must be made (again), and what is wrong with
    that file. The index is the number of these rounds if no file must be made."""
    paths, trials = progress.paths, list(progress.trials.values())
    past: list[tuple[Point, float | None]] | None = []
    for number, round_ in enumerate(paths.rounds):
        path = paths.round_path(round_)
        if not path.exists():
            return number, ""
        earlier = trials[: round_.start]
        if past is not None:
            latest = earlier[len(past) :]
            try:
                contents = [read_json(*records.record(trial)) for trial in latest]
                past += history((trial.point for trial in latest), (each["outcome"] for each in contents))
            except CorruptFileError:
                past = None  # that record is made again first; the next run checks the rounds after it
        file = paths.round_file(round_, earlier)
        if line := _damage(file):
            return number, line
        if past is not None and read_json(*file)["history"] != digest(past):
            return number, f"{path}: does not follow from the records before it"
    return len(paths.rounds), ""


def repair(paths: Paths) -> list[str]:
    """Move corrupt files out of the way, and records of rounds that do not follow to the cache.

    Return a line for each damaged file. Published files stay, since the user may have edited them, but their
    manifest is deleted, so that they are made again.
    """
    manifests = {artifact.path for artifact in paths.artifacts if artifact.published}
    rounds = {paths.round_path(round_) for round_ in paths.rounds}
    lines = []
    with rounds_lock():
        for path, line in damage(Paths(paths.settings)).items():  # the damage as it is now
            if path in manifests or (path in rounds and not line):
                path.unlink(missing_ok=True)
                lines.append(f"{line}; it will be made again" if line else "")
            elif line:
                lines.append(cache.set_aside(path, line))
            else:
                lines.append(cache.move_to_cache(path))
    restore_weights(paths.weights_manifest)
    return [line for line in lines if line]


def restore_weights(artifact: Artifact) -> None:
    """Restore the weights of this search from the cache, if it has them."""
    cached = cache.WEIGHTS / f"{artifact.digest}{WEIGHTS.suffix}"
    if not manifest.is_current(artifact):
        with suppress(CorruptFileError):
            manifest.publish(artifact, {WEIGHTS.name: read(File(cached, KIND))})
