"""What the Snakefile needs to know: the inputs of jobs, damaged files, and how many trials are missing."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from zdl.artifacts.artifact import Artifact
from zdl.artifacts.encoding import digest
from zdl.pipeline import cache, checkpoints, records
from zdl.pipeline.paths import Paths
from zdl.pipeline.progress import Progress
from zdl.pipeline.repair import damage
from zdl.search.checkpoint import epochs
from zdl.search.trial import Trial


class Graph:
    """The inputs of jobs that depend on which files exist.

    lines  messages for the user: what is damaged, and how many trials are missing
    notes  the file that the repair job will write; empty if nothing is damaged

    With `complete`, a job has all its inputs even if its output exists, so that a picture of the graph shows
    them.
    """

    def __init__(self, paths: Paths, complete: bool = False) -> None:
        self.paths, self.complete = paths, complete
        self.damage = damage(paths)
        self.notes = [self._note()] if self.damage else []
        lines = [f"{line}; a run makes it again" for line in self.damage.values() if line]
        self.lines = [*lines, *forecast(paths, self.is_there)]

    def _note(self) -> Path:
        entries = [[str(path), line, _stamp(path)] for path, line in sorted(self.damage.items())]
        number = 0
        while (note := cache.REPAIRED / digest([entries, number])[:12]).exists():
            number += 1  # the same damage was repaired before
        return note

    def is_there(self, path: Path) -> bool:
        """Whether a file exists and is not damaged."""
        return path not in self.damage and path.exists()

    def repair_notes(self, *paths: Path) -> list[Path]:
        """The note of the repair that the job of these files waits for; empty if all of them are intact."""
        return self.notes if self.damage.keys() & {*paths} else []

    @staticmethod
    def inputs(artifacts: Iterable[Artifact]) -> list[Path]:
        """The input files of a job that makes all these artifacts."""
        return sorted({each.path for artifact in artifacts for each in artifact.inputs})

    def for_trial(self, name: str) -> list[Path]:
        """The inputs of a trial's job. If the record exists, there are none: making the plan or the split
        again must not cause a training."""
        (record,) = self.paths.records([name])
        return (
            []
            if self.is_there(record) and not self.complete
            else [self.paths.listing(name), self.paths.split.path]
        )

    def for_round(self, name: str) -> list[Path]:
        """The inputs of the job that proposes a round: the round before it, and the records of that.

        With the files of all earlier rounds, the number of inputs would be quadratic in the number of rounds.
        But if the file of the round before exists, no other job asks for missing files of earlier rounds, so
        this one does. If the file of the round itself exists, the job has no inputs.
        """
        place = self.paths.round(name)
        if self.is_there(self.paths.round_path(place)) and not self.complete:
            return []
        rounds = map(self.paths.round_path, self.paths.rounds)
        *listings, last = [self.paths.plan.path, *rounds][: place.number]
        files = self.paths.records(self.paths.names[: place.start])
        others, scores = files[: place.previous], files[place.previous :]
        missing = [path for path in (*listings, *others) if self.is_there(last) and not self.is_there(path)]
        return [last, *scores, *missing]


def forecast(paths: Paths, is_there: Callable[[Path], bool]) -> list[str]:
    """A line that says how many records are missing, how many of them are in the cache, and how many trials
    must be trained. Empty if no record is missing."""
    trials = Progress(paths).trials
    names = [name for name, path in zip(paths.names, paths.records(), strict=True) if not is_there(path)]
    known = [trials[name] for name in names if name in trials]
    new = [trial for trial in known if cache.read_if_intact(records.cached(trial)) is None]
    parts = [f"{len(known) - len(new)} from the cache", f"{len(new)} to train{_going_on(new)}"]
    if len(known) < len(names):
        parts.append(f"{len(names) - len(known)} whose points depend on the scores of others")
    count = "1 trial" if len(names) == 1 else f"{len(names)} trials"
    return [f"{count}: {', '.join(parts)}"] if names else []


def _going_on(trials: Iterable[Trial]) -> str:
    """How many epochs are left to train, if there are checkpoints of some trials."""
    lengths = [max(checkpoints.lengths_below(trial), default=0) for trial in trials]
    if not any(lengths):
        return ""
    total = sum(epochs(trial.spec) or 0 for trial in trials)
    return f" ({sum(map(bool, lengths))} of them go on: {total - sum(lengths)} epochs instead of {total})"


def _stamp(path: Path) -> list[int]:
    """The modification time in ns and the size of a file; empty if another process has moved it away."""
    with suppress(FileNotFoundError):
        status = path.lstat()
        return [status.st_mtime_ns, status.st_size]
    return []
