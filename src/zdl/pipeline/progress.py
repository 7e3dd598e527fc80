"""The progress of a search: the trials whose points are known, and the replicates of the best ones.

The settings determine every point of a random, grid or Halton search. The points of a search that learns are
in the files of its rounds, once these are made.
"""

import contextlib
from functools import cached_property
from pathlib import Path

from zdl import Error
from zdl.analysis.best import replicated
from zdl.artifacts.encoding import CorruptFileError
from zdl.artifacts.io import File, read, read_json
from zdl.pipeline import cache, records
from zdl.pipeline.paths import Paths
from zdl.search.replicates import Replicate
from zdl.search.trial import Trial


class Progress:
    """The trials of a search that are known so far. The files of rounds are read once."""

    def __init__(self, paths: Paths) -> None:
        self.paths = paths

    @cached_property
    def trials(self) -> dict[str, Trial]:
        """The known trials by their names, in the order of the search."""
        trials = list(self.paths.first)
        for round_ in self.paths.rounds:
            try:
                trials += round_.trials_in(read_json(*self.paths.round_file(round_, trials)), trials)
            except CorruptFileError:
                break
        return dict(zip(self.paths.names, trials, strict=False))

    @cached_property
    def by_number(self) -> dict[int, Trial]:
        """The same trials by their numbers."""
        return {trial.number: trial for trial in self.trials.values()}

    def all_trials(self, count: int | None = None) -> list[Trial]:
        """The first `count` trials of the search, or all. Raises an `Error` if some have no points yet."""
        names, trials = self.paths.names, list(self.trials.values())[:count]
        if len(trials) < (count or len(names)):
            round_ = next(round_ for round_ in self.paths.rounds if round_.names[0] == names[len(trials)])
            path = self.paths.round_path(round_)
            raise Error(f"{path}: is not there, or damaged; `snakemake` makes it")
        return trials

    def missing_records(self) -> list[Path]:
        """The records that are missing or corrupt, and those of trials whose points are not known yet."""
        known = cache.missing(map(records.record, self.trials.values()))
        return known + self.paths.records(self.paths.names[len(self.trials) :])

    def round_files(self) -> list[File]:
        """The files of the rounds after the first. Raises an `Error` if some trials have no points yet."""
        trials = self.all_trials()
        return [self.paths.round_file(round_, trials[: round_.start]) for round_ in self.paths.rounds]

    def name_of(self, number: int) -> str:
        """The name of a trial by the number that reports show, else by its index in the search."""
        places = dict(enumerate(self.paths.names[: self.paths.settings["search"]["trials"]]))
        names = places | {number: trial.name for number, trial in self.by_number.items()}
        if number not in names:
            raise Error(f"trial {number}: is not part of this search (allowed: 0 to {len(places) - 1})")
        return names[number]

    def replicates(self) -> list[Replicate]:
        """All replicates of the best trials; empty until the best trials are known."""
        with contextlib.suppress(CorruptFileError):
            best = replicated(read(self.paths.table), self.paths.places)
            trials = [self.by_number[number] for number in best[: self.paths.settings["replicate"]["trials"]]]
            return [replicate for trial in trials for replicate in self.paths.replicates_of(trial)]
        return []
