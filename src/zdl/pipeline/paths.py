"""The one place that names files: a name ends in a digest of all that determines what is in it.

Every name is known before anything runs (of a search that learns, `zdl.search.rounds` says how). So a file
that exists is right, whoever made it and whenever, and neither engine has to trust a time stamp. Only
`reports/` has fixed names, for Git and its readers: manifests vouch for those.
"""

import contextlib
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from zdl import Error
from zdl.artifacts.artifact import Artifact
from zdl.artifacts.fingerprint import fingerprint
from zdl.artifacts.io import CorruptFileError, File, read_json
from zdl.artifacts.schemas import PREPARED, RAW, SPLIT, is_baseline, is_replicates
from zdl.config.settings import load
from zdl.data import mnist
from zdl.pipeline.cache import READY, REPLICATES
from zdl.search import plan, replicates
from zdl.search.rounds import Round, rounds
from zdl.search.trial import SPLITS, TRIALS, Trial

REPORTS = Path("reports")
TABLES = ("ranking", "curves", "leaders", "space", "budget", "confirmed")
FIGURES = ("best20", "search", "slices", "budget", "confirmed", "mistakes")
PUBLISHED_TABLES = [REPORTS / f"{table}.csv" for table in TABLES]
PUBLISHED_TABLES += [REPORTS / "metrics.json", REPORTS / "made_from.json"]
PUBLISHED_PAGES = [REPORTS / name for name in ("README.md", "README.ja.md")]
PUBLISHED_PAGES += [REPORTS / f"{figure}.{kind}" for figure in FIGURES for kind in ("png", "svg")]
MANIFESTS = Path("results/manifests")
WEIGHTS = Path("results/best.npz")
FULL_RANKING = Path(
    "results/ranking"
)  # where every row of the ranking is, of which reports/ has the first ones


def _is_plan(lines: dict[str, Any], contents: dict[str, Any]) -> bool:
    return contents == {"digest": contents["digest"], **lines}


class Paths:
    """The files of the search that `settings` describe."""

    words = mnist.WORDS  # the words for its images, in the report

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.settings = settings
        subsample = settings["data"]["subsample"]
        self.leading = max(mnist.BUNDLED, subsample)
        self.raw = Artifact.of(
            "data/raw/{}.npz",
            "zdl.data.preprocess:raw",
            handed={"files": None},  # which are verified by digests in the code
            fits=RAW,
            leading=self.leading,
        )
        self.prepared = Artifact.of(
            f"{replicates.PREPARED_IMAGES}/{{}}.npz",
            "zdl.data.preprocess:prepared",
            fits=PREPARED,
            raw=self.raw,
            subsample=subsample,
        )
        self.held_out = Artifact.of(
            f"{replicates.HELD_OUT}/{{}}.npz", "zdl.data.preprocess:held_out", fits=PREPARED, raw=self.raw
        )
        self.split = Artifact.of(
            f"{SPLITS}/{{}}.npz",
            "zdl.data.preprocess:split_file",
            fits=SPLIT,
            prepared=self.prepared,
            **settings["split"],
        )

    @classmethod
    def of(cls, params: str | Path = "params.yaml") -> "Paths":
        """The paths under the settings in a file; `SettingsError` if they do not hold."""
        return cls(load(params))

    @cached_property
    def first(self) -> list[Trial]:
        """The trials that are known before any of them runs: all, unless the search learns."""
        return plan.trials(self.settings, self.split.digest, fingerprint(Trial.entry))

    @cached_property
    def rounds(self) -> list[Round]:
        """The rounds after the first, of a search that learns."""
        run, propose = fingerprint(Trial.entry), fingerprint("zdl.search.rounds:proposed")
        return rounds(self.settings, self.split.digest, run, propose)

    @cached_property
    def names(self) -> list[str]:
        """The names of all trials, in the order of the search."""
        names = [trial.name for trial in self.first]
        names += [name for its in self.rounds for name in its.names]
        return names[: self.settings["search"]["trials"]]

    @cached_property
    def trials(self) -> dict[str, Trial]:
        """The trials by their names: all whose points are known by now, in the order of the search."""
        trials = list(self.first)
        for its in self.rounds:
            file = its.file(trials)
            try:
                trials += its.written(read_json(*file), trials)
            except CorruptFileError:
                break
        return dict(zip(self.names, trials, strict=False))

    def round_files(self) -> list[File]:
        """The files of the rounds after the first, when all earlier trials are known."""
        trials = self.known()
        return [each.file(trials[: each.start]) for each in self.rounds]

    @cached_property
    def numbered(self) -> dict[int, Trial]:
        """The same trials by their numbers."""
        return {trial.number: trial for trial in self.trials.values()}

    def known(self, count: int | None = None) -> list[Trial]:
        """The first `count` trials of the search, or all; Error if some have no points yet."""
        trials = list(self.trials.values())[:count]
        if len(trials) < (count or len(self.names)):
            its = next(its for its in self.rounds if its.names[0] == self.names[len(trials)])
            raise Error(f"{its.path}: is not there, or damaged; `snakemake` makes it")
        return trials

    def records(self, names: Iterable[str] | None = None) -> list[Path]:
        """Where the records of all trials belong, or of those with these names."""
        return [TRIALS / f"{name}.json" for name in (self.names if names is None else names)]

    def places(self, names: Iterable[str]) -> list[Path]:
        """Where records of trials with these names may lie: in their places, or ready to be moved there."""
        records = self.records(names)
        return [*records, *(READY / record.name for record in records)]

    def named(self, number: int) -> str:
        """The name of a trial by its place in the search, or by the number that reports show."""
        places = dict(enumerate(self.names))
        numbers = {number: trial.name for number, trial in self.numbered.items()}
        if number not in (known := numbers | places):
            raise Error(f"trial {number}: is none of this search (allowed: 0 to {len(places) - 1})")
        return known[number]

    def listing(self, name: str) -> Path:
        """The file that says what trial `name` is: the plan, or that of its round."""
        return self._later[name].path if name in self._later else self.plan.path

    @cached_property
    def _later(self) -> dict[str, Round]:
        return {name: its for its in self.rounds for name in its.names}

    def needed_for(self, name: str, there: Callable[[Path], bool] = Path.exists) -> list[Path]:
        """What the record of trial `name` is to be made from. One that is `there` needs nothing: a plan or a
        split that is made again is no reason to train."""
        (record,) = self.records([name])
        return [] if there(record) else [self.listing(name), self.split.path]

    def round(self, name: str) -> Round:
        """The round whose file has that name (without its suffix)."""
        for its in self.rounds:
            if its.path.stem == name:
                return its
        raise Error(f"round {name}: is none of this search; if params.yaml or the code changed, run again")

    def needed_to_propose(self, name: str, there: Callable[[Path], bool] = Path.exists) -> list[Path]:
        """What a round is to be proposed from: the round before it, and the scores of that. (All earlier ones
        would be quadratic in the rounds.) Where the round before is there, nobody else asks for what is
        missing of still earlier ones. One that is `there` needs nothing."""
        place = self.round(name)
        if there(place.path):
            return []
        *files, last = [self.plan.path, *(earlier.path for earlier in self.rounds)][: place.number]
        records = self.records(self.names[: place.start])
        others, scores = records[: -len(place.names)], records[-len(place.names) :]
        lost = [path for path in (*files, *others) if there(last) and not there(path)]
        return [last, *scores, *lost]

    @cached_property
    def plan(self) -> Artifact:
        lines = plan.lines(self.first, self.names[len(self.first) :])
        order = [list(self.settings["search"]["space"]), list(lines)]
        return Artifact.of(
            "results/plan/{}.json",
            "zdl.search.plan:listed",
            fits=partial(_is_plan, lines),
            lines=lines,
            order=order,
        )

    @cached_property
    def table(self) -> Artifact:
        def fits(contents: dict[str, Any]) -> bool:
            trials = self.trials.values()
            return len(trials) < len(self.names) or plan.is_table(trials, contents)  # or it cannot be told

        listings = [self.plan.digest, *(each.digest for each in self.rounds)]
        return Artifact.of(
            "results/table/{}.json",
            "zdl.search.plan:aggregated",
            handed={"plan": listings[0], "rounds": listings[1:], "records": self.names},
            fits=fits,
            split=self.split,
            names=self.names,
        )

    @cached_property
    def replicate_splits(self) -> list[dict[str, Any]]:
        """What determines the split of each replicate."""
        return replicates.splits(self.settings, self.prepared.digest)

    def replicates_of(self, trial: Trial) -> list[replicates.Replicate]:
        """The replicates of a trial that is among the best."""
        run = fingerprint(replicates.Replicate.entry)
        return replicates.replicates(trial, self.replicate_splits, self.held_out.digest, run)

    def best(self, count: int) -> list[Trial]:
        """The trials of the first so many ranks, as the table tells, or fewer if fewer finished."""
        from zdl.analysis.ranking import rank, top

        self.known()  # or an Error that names what is missing
        return [self.numbered[number] for number in top(rank(read_json(*self.table)), count)["trial"]]

    @cached_property
    def all_replicates(self) -> list[replicates.Replicate]:
        """All replicates of this search, if it has come so far that they are known."""
        with contextlib.suppress(CorruptFileError):
            best = self.best(self.settings["replicate"]["trials"])
            return [replicate for trial in best for replicate in self.replicates_of(trial)]
        return []

    @cached_property
    def replicates(self) -> list[Artifact]:
        """The files of the best trials' replicates, in the order of their ranks."""
        replicate = [self.replicate_splits, self.held_out.digest, fingerprint(replicates.Replicate.entry)]
        return [
            Artifact.of(
                f"{REPLICATES}/{place:03d}-{{}}.json",
                "zdl.analysis.best:replicates_file",
                handed={"replicate": replicate},
                fits=self._is_replicates,
                table=self.table,
                place=place,
            )
            for place in range(1, self.settings["replicate"]["trials"] + 1)
        ]

    def _is_replicates(self, contents: dict[str, Any]) -> bool:
        """Whether contents are all replicates of one of these trials, or of none."""
        trial = self.numbered.get(contents["trial"])
        specs = [replicate.spec for replicate in self.replicates_of(trial)] if trial else []
        return is_replicates(contents) and (
            len(self.trials) < len(self.names)  # and it cannot be told
            or [record["spec"] for record in contents["replicates"]] == specs
        )

    def replicates_named(self, name: str) -> Artifact:
        """The file of replicates of that name (without its suffix)."""
        for file in self.replicates:
            if file.path.stem == name:
                return file
        raise Error(
            f"replicates {name}: are not of this search; if params.yaml or the code changed, run again"
        )

    @cached_property
    def baseline(self) -> Artifact:
        """What a linear model makes of the same images."""
        return Artifact.of(
            "results/baseline/{}.json",
            "zdl.analysis.baseline:baseline",
            fits=is_baseline,
            split=self.split,
            prepared=self.prepared,
            held_out=self.held_out,
            redraws=self.replicate_splits,
        )

    @cached_property
    def ranked(self) -> Artifact:
        """The manifest of the files in PUBLISHED_TABLES."""
        return self._report("rank", "zdl.report.build:tables", PUBLISHED_TABLES)

    @cached_property
    def rendered(self) -> Artifact:
        """The manifest of the files in PUBLISHED_PAGES."""
        return self._report("render", "zdl.report.build:pages", PUBLISHED_PAGES, words=self.words)

    def _report(self, step: str, entry: str, paths: Iterable[Path], **given: Any) -> Artifact:
        return Artifact.of(
            f"{MANIFESTS}/{step}/{{}}.json",
            entry,
            published={path.name: path for path in paths},
            settings=self.settings,
            table=self.table,
            replicates=self.replicates,
            baseline=self.baseline,
            held_out=self.held_out,
            **given,
        )

    @cached_property
    def full_ranking(self) -> Artifact:
        """The manifest of the ranking of all trials, which has one of its own: plain CSV has no place for a
        seal, and those of PUBLISHED_TABLES can be checked with what Git carries."""
        return Artifact.of(
            f"{MANIFESTS}/ranking/{{}}.json",
            "zdl.report.build:full_ranking",
            published={"ranking.csv": f"{FULL_RANKING}/{{}}.csv"},
            table=self.table,
            space=self.settings["search"]["space"],
        )

    @cached_property
    def weighted(self) -> Artifact:
        """The manifest of WEIGHTS."""
        return Artifact.of(
            f"{MANIFESTS}/weights/{{}}.json",
            "zdl.analysis.weights:best",
            handed={"spec": None, "say": None},  # one follows from the table, the other changes nothing
            published={WEIGHTS.name: WEIGHTS},
            table=self.table,
            split=self.split,
        )

    @property
    def artifacts(self) -> list[Artifact]:
        """All that is known by name, in the order in which they are made."""
        data = [self.raw, self.prepared, self.held_out, self.split]
        search = [self.plan, self.table, *self.replicates, self.baseline]
        return [*data, *search, self.ranked, self.full_ranking, self.rendered, self.weighted]
