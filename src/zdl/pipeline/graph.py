"""What the Snakefile asks: which files a job needs, what is damaged, and how much there is to do."""

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
    """The inputs of jobs, as far as they depend on which files are there.

    lines  for a person: what is damaged, and how many trials are missing
    notes  the file that the job leaves which repairs the damage; none, if nothing is damaged

    With `complete`, a job has all its inputs even if its output is there: a picture of the graph shows them.
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
            number += 1  # the same damage as once before
        return note

    def is_there(self, path: Path) -> bool:
        """Whether a file is there, and stays."""
        return path not in self.damage and path.exists()

    def repair_notes(self, *paths: Path) -> list[Path]:
        """The note of the repair that the job of these files waits for; none, if all of them are intact."""
        return self.notes if self.damage.keys() & {*paths} else []

    @staticmethod
    def inputs(artifacts: Iterable[Artifact]) -> list[Path]:
        """What a job that makes all of these is given."""
        return sorted({each.path for artifact in artifacts for each in artifact.inputs})

    def for_trial(self, name: str) -> list[Path]:
        """What the record of a trial is made from. One that is there needs nothing: a plan or a split that is
        made again is no reason to train."""
        (record,) = self.paths.records([name])
        return (
            []
            if self.is_there(record) and not self.complete
            else [self.paths.listing(name), self.paths.split.path]
        )

    def for_round(self, name: str) -> list[Path]:
        """What a round is proposed from: the round before it, and the records of that. (All earlier ones
        would be quadratic in the rounds.) If the round before is there, no other job asks for what is missing
        of still earlier ones. One that is there needs nothing."""
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
    """How many records are missing, in a line: of these, how many are in the cache, and how many trials must
    be trained. No line if none is missing."""
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
    """How many epochs trials have still to be trained, if checkpoints of some are there."""
    lengths = [max(checkpoints.lengths_below(trial), default=0) for trial in trials]
    if not any(lengths):
        return ""
    total = sum(epochs(trial.spec) or 0 for trial in trials)
    return f" ({sum(map(bool, lengths))} of them go on: {total - sum(lengths)} epochs instead of {total})"


def _stamp(path: Path) -> list[int]:
    """When a file was written, and its size; nothing for one that another process has moved away."""
    with suppress(FileNotFoundError):
        status = path.lstat()
        return [status.st_mtime_ns, status.st_size]
    return []
