"""Repair: an engine takes whatever file is there, so one that is damaged has to be out of its way.

Damage is found by reading alone, whenever the Snakefile is read; nothing is changed then, for somebody may
only be looking. A run repairs it by a job of its own, after which the files are missing and made again.
"""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from zdl.artifacts.artifact import Artifact
from zdl.artifacts.io import CorruptFileError, File, digest, read, read_json
from zdl.nn.network import WEIGHTS as KIND
from zdl.pipeline import cache
from zdl.pipeline.paths import WEIGHTS, Paths
from zdl.search.rounds import history

if TYPE_CHECKING:
    from zdl.search.samplers import Point


def damage(paths: Paths) -> dict[Path, str]:
    """The files that have to go, each with what is wrong with it; nothing to say of what follows from
    another."""
    found = dict(_rounds(paths)) if paths.rounds else {}
    for artifact in paths.artifacts:
        if line := _damage(artifact):
            found[artifact.path] = line
    for trial in paths.trials.values():
        ready = File(cache.READY / trial.record.name, trial.digest, trial.fits)
        for file in (trial.file, ready):
            if file.path not in found and (line := _damage(file)):
                found[file.path] = line
    return found


def _damage(file: File) -> str:
    if file.path.exists():  # asked first: what is not there yet, a rival may be about to finish
        try:
            if isinstance(file, Artifact) and file.published:
                return "".join(f"{path}: is not what was made" for path in cache.changed(file)[:1])
            read(file)
        except CorruptFileError as error:
            return str(error)
    return ""


def _rounds(paths: Paths) -> Iterator[tuple[Path, str]]:
    """The rounds, and their records, from the first round on that is not there or does not follow from what
    came before it: the search may go on otherwise from there. (Trials that come again are in the store.)"""
    number, line = _first_wrong(paths)
    for later in paths.rounds[number:]:
        if later.path.exists():
            yield later.path, line or _damage(File(later.path, later.digest))
        line = ""
        for path in paths.places(later.names):
            if path.exists():
                yield path, ""


def _first_wrong(paths: Paths) -> tuple[int, str]:
    """The place among the later rounds of the first that is to be made, or made again, their number if none
    is; and what is wrong with its file, if it is there."""
    trials = list(paths.trials.values())
    seen: list[tuple[Point, float | None]] | None = []
    for number, place in enumerate(paths.rounds):
        if not place.path.exists():
            return number, ""
        earlier = trials[: place.start]
        if seen is not None:
            last = earlier[len(seen) :]
            try:
                records = [read_json(*trial.file) for trial in last]
                seen += history((trial.point for trial in last), (record["outcome"] for record in records))
            except CorruptFileError:
                seen = None  # a record is to be made again first: what followed from it is for the next run
        file = place.file(earlier)
        if line := _damage(file):
            return number, line
        if seen is not None and read_json(*file)["history"] != digest(seen):
            return number, f"{place.path}: does not follow from the records before it"
    return len(paths.rounds), ""


def _stamp(path: Path) -> list[int]:
    """When a file was written, and its size; nothing of one that a rival has moved away meanwhile."""
    with suppress(FileNotFoundError):
        status = path.lstat()
        return [status.st_mtime_ns, status.st_size]
    return []


def repair(paths: Paths) -> list[str]:
    """Move what is damaged out of the way, and records of rounds that do not follow to the store; a line for
    each. Published files stay where they are (somebody may have edited them): their manifest goes, so they
    are made again.
    """
    manifests = {artifact.path for artifact in paths.artifacts if artifact.published}
    rounds = {each.path for each in paths.rounds}
    lines = []
    with cache.settled():
        paths = type(paths)(paths.settings)  # what is there by now, and not when the process began
        for path, line in damage(paths).items():
            if path in manifests or (path in rounds and not line):
                path.unlink(missing_ok=True)
                lines.append(f"{line}; it will be made again" if line else "")
            elif line:
                lines.append(cache.set_aside(path, line))
            else:
                lines.append(cache.keep(path))
    restore_weights(paths.weighted)
    return [line for line in lines if line]


def restore_weights(artifact: Artifact) -> None:
    """Have the weights of this search in their place, if they were ever made here."""
    kept = cache.WEIGHTS / f"{artifact.digest}{WEIGHTS.suffix}"
    if not cache.vouches(artifact):
        with suppress(CorruptFileError):
            cache.publish(artifact, {WEIGHTS.name: read(File(kept, KIND))})


class Repairs:
    """The damage that a Snakefile finds when it is read.

    lines  to print: what is damaged, and how much work there is
    notes  the file that the job leaves which repairs it; none, if nothing is damaged
    """

    def __init__(self, paths: Paths) -> None:
        self.damage = damage(paths)
        seen = [[str(path), line, _stamp(path)] for path, line in sorted(self.damage.items())]
        number = 0
        while (note := cache.REPAIRED / digest([seen, number])[:12]).exists():
            number += 1  # the same damage as once before
        self.notes = [note] if self.damage else []
        lines = [f"{line}; a run makes it again" for line in self.damage.values() if line]
        self.lines = [*lines, *cache.forecast(paths, self.there)]

    def there(self, path: Path) -> bool:
        """Whether a file is there, and stays."""
        return path not in self.damage and path.exists()

    def before(self, *paths: Path) -> list[Path]:
        """What the job that makes these files waits for, so that it makes them again."""
        return self.notes if self.damage.keys() & {*paths} else []
