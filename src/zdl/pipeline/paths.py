"""Name all files: a name ends in a digest of all that determines the file's contents.

Every name is known before anything runs (`zdl.search.rounds` says how, for a search that learns). A file that
exists is therefore right, whoever made it and whenever, and neither engine has to trust a time stamp. Only
files under `reports/` have fixed names, so that Git can track them. They have manifests instead.
"""

from collections.abc import Iterable, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from zdl import Error
from zdl.artifacts.artifact import Artifact, Function
from zdl.artifacts.fingerprint import Fingerprint, fingerprint, together
from zdl.artifacts.io import File
from zdl.artifacts.schemas import PREPARED, RAW, SPLIT, is_baseline, is_plan, is_replicate_file, is_table
from zdl.config.problem import Problem
from zdl.config.settings import load
from zdl.config.words import wording
from zdl.pipeline import data_files
from zdl.pipeline.records import HELD_OUT, PREPARED_ROWS, READY, REPLICATES, ROUNDS, SPLITS, TRIALS
from zdl.report.drawing import OF_REPLICATES, OF_TRIALS
from zdl.search import plan, replicates
from zdl.search.replicates import Replicate
from zdl.search.rounds import Round, rounds
from zdl.search.samplers import HALVINGS
from zdl.search.trial import Trial

REPORTS = Path("reports")
TABLES = ("ranking", "curves", "leaders", "space", "budget", "confirmed")
PUBLISHED_TABLES = [REPORTS / f"{table}.csv" for table in TABLES]
PUBLISHED_TABLES += [REPORTS / "metrics.json", REPORTS / "made_from.json"]
PUBLISHED_PAGES = [REPORTS / name for name in ("README.md", "README.ja.md")]
FIGURES = (*OF_TRIALS, *OF_REPLICATES)
PUBLISHED_FIGURES = [REPORTS / f"{figure}.{kind}" for figure in FIGURES for kind in ("png", "svg")]
PUBLISHED = [*PUBLISHED_TABLES, *PUBLISHED_PAGES, *PUBLISHED_FIGURES]
MANIFESTS = Path("results/manifests")
WEIGHTS = Path("results/best.npz")
RESULTS = ("replicates", "baseline", "held_out")  # what tables and pages are made from, besides the trials
FULL_RANKING = Path("results/ranking")  # all rows of the ranking; reports/ has only the first ones


class Paths:
    """The files of the search that `settings` describe."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.settings = settings
        self.problem = Problem.named(settings["problem"])
        self.train = self.problem.function("train") or ""
        self.data_files = data_files.list_files(self.problem, settings["data"])
        fetch = self.problem.get("FETCH", ())
        prepare = self._function("prepare")
        self.raw = Artifact.of(
            "data/raw/{}.npz",
            "zdl.data.preprocess:raw_file",
            handed={"files": data_files.digests(self.data_files)},  # the code has the digests of all others
            is_valid=RAW,
            load=self._function("load"),
            regression=self.problem.score.regression,
            data={name: value for name, value in settings["data"].items() if name not in fetch},
        )
        self.prepared = Artifact.of(
            f"{PREPARED_ROWS}/{{}}.npz",
            "zdl.data.preprocess:prepared_file",
            is_valid=PREPARED,
            raw=self.raw,
            prepare=prepare,
        )
        self.held_out = Artifact.of(
            f"{HELD_OUT}/{{}}.npz",
            "zdl.data.preprocess:held_out_file",
            is_valid=PREPARED,
            raw=self.raw,
            prepare=prepare,
        )
        self.split = Artifact.of(
            f"{SPLITS}/{{}}.npz",
            "zdl.data.preprocess:split_file",
            is_valid=SPLIT,
            prepared=self.prepared,
            **settings["split"],
        )

    def _function(self, part: str) -> Function | None:
        """A function of the problem, to be passed to a function of zdl; None if the problem has none."""
        entry = self.problem.function(part)
        return Function(entry) if entry else None

    def code(self, entry: str) -> Fingerprint:
        """The fingerprint of a function together with the problem's `train`, which is passed to it."""
        return together(entry, self.train)

    @cached_property
    def words(self) -> dict[str, dict[str, Any]]:
        """What the report says about the problem."""
        return wording(self.problem, self.settings)

    @cached_property
    def image(self) -> list[int]:
        """The shape in which a row can be shown as an image; empty if rows are not images."""
        return list(self.problem.get("IMAGE", ()))

    @classmethod
    def of(cls, params: str | Path = "params.yaml") -> "Paths":
        """The files of the search that a params.yaml describes. Raises `SettingsError` if it is invalid."""
        return cls(load(params))

    @property
    def halves(self) -> bool:
        """Whether each later round trains the best trials of the round before with more epochs."""
        return self.settings["search"]["method"] in HALVINGS

    @cached_property
    def first(self) -> list[Trial]:
        """The trials that are known before any of them runs: all, unless the search learns."""
        return plan.trials(self.settings, self.split.digest, self.train, self.code(Trial.entry))

    @cached_property
    def rounds(self) -> list[Round]:
        """The rounds after the first; empty unless the search learns."""
        run, propose = self.code(Trial.entry), fingerprint("zdl.search.rounds:round_file")
        return rounds(self.settings, self.split.digest, self.train, run, propose)

    @cached_property
    def names(self) -> list[str]:
        """The names of all trials, in the order of the search."""
        names = [trial.name for trial in self.first]
        names += [name for round_ in self.rounds for name in round_.names]
        return names if self.halves else names[: self.settings["search"]["trials"]]

    def records(self, names: Iterable[str] | None = None) -> list[Path]:
        """The records of all trials, or of those with these names."""
        return [TRIALS / f"{name}.json" for name in (self.names if names is None else names)]

    def record_places(self, names: Iterable[str]) -> list[Path]:
        """Where the records of these trials may be: in place, or ready to be moved there."""
        records = self.records(names)
        return [*records, *(READY / record.name for record in records)]

    def round(self, name: str) -> Round:
        """The round whose file has this name (without suffix). Raises an `Error` if there is none."""
        for round_ in self.rounds:
            if round_.name == name:
                return round_
        raise Error(
            f"round {name}: is not part of this search; if params.yaml or the code changed, run again"
        )

    @staticmethod
    def round_path(round_: Round) -> Path:
        """The file of a round."""
        return ROUNDS / f"{round_.name}.json"

    def round_file(self, round_: Round, earlier: list[Trial]) -> File:
        """The file of a round, for reading. `earlier` are all trials of the rounds before it."""
        is_valid = partial(round_.is_valid, earlier=list(earlier))
        return File(self.round_path(round_), round_.digest, is_valid)

    def listing(self, name: str) -> Path:
        """The file that has the point of trial `name`: the plan or the file of its round."""
        return self._listings.get(name, self.plan.path)

    @cached_property
    def _listings(self) -> dict[str, Path]:
        return {name: self.round_path(round_) for round_ in self.rounds for name in round_.names}

    @cached_property
    def plan(self) -> Artifact:
        lines = plan.plan_lines(self.first, self.names[len(self.first) :])
        order = [list(self.settings["search"]["space"]), list(lines)]
        return Artifact.of(
            "results/plan/{}.json",
            "zdl.search.plan:plan_file",
            is_valid=partial(is_plan, lines=lines),
            lines=lines,
            order=order,
        )

    @cached_property
    def table(self) -> Artifact:
        listings = [self.plan.digest, *(round_.digest for round_ in self.rounds)]
        known: list[Any] = [(trial.number, trial.key, trial.point) for trial in self.first]
        count = len(self.names)
        if self.halves:  # trials of the last rung have other keys, which are not known yet
            known, count = [], self.settings["search"]["trials"]
        return Artifact.of(
            "results/table/{}.json",
            "zdl.search.plan:table_file",
            handed={"plan": listings[0], "rounds": listings[1:], "records": self.names},
            is_valid=partial(is_table, known=known[:count], count=count),
            split=self.split,
            names=self.names,
            halves=self.halves,
        )

    @property
    def places(self) -> int:
        """How many trials are trained again, if the choice of these trials depends on it; else 0."""
        places: int = self.settings["replicate"]["trials"]
        return places if self.halves else 0

    @cached_property
    def replicate_splits(self) -> list[dict[str, Any]]:
        """What determines the split of each replicate."""
        return replicates.splits(self.settings, self.prepared.digest)

    def replicates_of(self, trial: Trial) -> list[Replicate]:
        """The replicates of one of the best trials. If it was stopped early, they train for all epochs."""
        if self.halves:
            trial = replicates.in_full(trial, self.settings["search"]["epochs"])
        code = self.code(Replicate.entry)
        return replicates.replicates(trial, self.replicate_splits, self.held_out.digest, code)

    @cached_property
    def replicates(self) -> list[Artifact]:
        """The files of replicates: all of the best trial, then all of the second best, and so on."""
        code = self.code(Replicate.entry)
        return [
            Artifact.of(
                f"{REPLICATES}/{place:03d}-{number:03d}-{{}}.json",
                "zdl.analysis.best:replicate_file",
                handed={"replicate": [split, self.held_out.digest, code]},
                is_valid=partial(self._is_replicate, number=number),
                table=self.table,
                place=place,
                places=self.places,
            )
            for place in range(1, self.settings["replicate"]["trials"] + 1)
            for number, split in enumerate(self.replicate_splits, start=1)
        ]

    def _is_replicate(self, contents: dict[str, Any], number: int) -> bool:
        """Whether contents are replicate `number` of a trial of this search, or of no trial."""
        if not is_replicate_file(contents):
            return False
        trial = self._first_by_number.get(contents["trial"])
        if trial is None:  # there is no such trial, or its round is a later one, which is unknown here
            return contents["trial"] is None or bool(self.rounds)
        return bool(contents["replicate"]["spec"] == self.replicates_of(trial)[number - 1].spec)

    @cached_property
    def _first_by_number(self) -> dict[int, Trial]:
        return {trial.number: trial for trial in self.first}

    def place_of_replicate(self, name: str) -> int:
        """The index in `replicates` of the file with this name (without suffix), else an `Error`."""
        for place, file in enumerate(self.replicates):
            if file.path.stem == name:
                return place
        raise Error(f"replicate {name}: is not of this search; if params.yaml or the code changed, run again")

    @cached_property
    def baseline(self) -> Artifact:
        """The outcomes of a linear model on the same rows."""
        return Artifact.of(
            "results/baseline/{}.json",
            "zdl.analysis.baseline:baseline",
            is_valid=is_baseline,
            prepared=self.prepared,
            held_out=self.held_out,
            splits=[self.settings["split"], *self.replicate_splits],
            linear=self._function("linear"),
            score=self.problem.score.name,
        )

    @cached_property
    def rank_manifest(self) -> Artifact:
        """The manifest of PUBLISHED_TABLES."""
        return self._report("rank/", "zdl.analysis.tables:published_tables", PUBLISHED_TABLES, *RESULTS)

    @cached_property
    def pages_manifest(self) -> Artifact:
        """The manifest of PUBLISHED_PAGES."""
        return self._report("pages/", "zdl.report.pages:pages", PUBLISHED_PAGES, *RESULTS, "words", "image")

    @cached_property
    def trial_figures(self) -> list[Artifact]:
        """The manifest of each figure of the trials."""
        return [self._figure("draw_trials", name) for name in OF_TRIALS]

    @cached_property
    def replicate_figures(self) -> list[Artifact]:
        """The manifest of each figure of the replicates."""
        return [self._figure("draw_replicates", name, *results) for name, results in OF_REPLICATES.items()]

    def _figure(self, step: str, name: str, *results: str) -> Artifact:
        files = [path for path in PUBLISHED_FIGURES if path.stem == name]
        return self._report(f"{step}/{name}-", f"zdl.report.drawing:{name}", files, *results)

    @property
    def published(self) -> list[Artifact]:
        """All manifests of files under reports/."""
        return [self.rank_manifest, *self.trial_figures, *self.replicate_figures, self.pages_manifest]

    def _report(self, name: str, entry: str, files: Iterable[Path], *results: str) -> Artifact:
        """A manifest of files that are made from the settings, the trials and further results."""
        return Artifact.of(
            f"{MANIFESTS}/{name}{{}}.json",
            entry,
            published={path.name: path for path in files},
            settings=self.settings,
            table=self.table,
            **{result: getattr(self, result) for result in results},
        )

    @cached_property
    def full_ranking(self) -> Artifact:
        """The manifest of the ranking of all trials, which needs one because CSV has no place for a seal.

        It is separate from `rank_manifest`, so that PUBLISHED_TABLES can be checked with the files in Git
        alone.
        """
        return Artifact.of(
            f"{MANIFESTS}/ranking/{{}}.json",
            "zdl.analysis.tables:full_ranking",
            published={"ranking.csv": f"{FULL_RANKING}/{{}}.csv"},
            table=self.table,
            space=self.settings["search"]["space"],
        )

    @cached_property
    def weights_manifest(self) -> Artifact:
        """The manifest of WEIGHTS."""
        return Artifact.of(
            f"{MANIFESTS}/weights/{{}}.json",
            "zdl.analysis.weights:best",
            handed={"spec": None, "say": None},  # the table determines `spec`, and `say` changes no byte
            published={WEIGHTS.name: WEIGHTS},
            table=self.table,
            split=self.split,
            train=Function(self.train),
            weights=self._function("weights"),
        )

    @property
    def artifacts(self) -> list[Artifact]:
        """All files whose names are known, except records of trials, in the order in which they are made."""
        data = [self.raw, self.prepared, self.held_out, self.split]
        search = [self.plan, self.table, *self.replicates, self.baseline]
        return [*data, *search, self.full_ranking, self.weights_manifest, *self.published]
