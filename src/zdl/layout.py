"""The one place that names files: a name ends in a digest of all that determines what is in it.

Every name is known before anything runs (of a search that learns, `zdl.rounds` says how). So a file that
exists is right, whoever made it and whenever, and neither engine has to trust a time stamp. Only `reports/`
has fixed names, for Git and its readers: receipts (see `zdl.store`) vouch for those.
"""

import contextlib
from collections.abc import Iterable, Mapping
from functools import cached_property, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from zdl import Error, confirm, mnist, plan, repeats, trial
from zdl.files import Damaged, File, Fits, code_digest, digest, read_json
from zdl.kinds import CLASSES, PREPARED, RAW, SHAPE, SPLIT, is_baseline, is_confirmation
from zdl.rounds import LIBRARIES, Round, rounds
from zdl.settings import load
from zdl.trial import SPLITS, TRIALS, Trial

REPORTS = Path("reports")
TABLES = ("ranking", "curves", "leaders", "space", "budget", "confirmed")
FIGURES = ("best20", "search", "slices", "budget", "confirmed", "mistakes")
RANKED = [REPORTS / f"{table}.csv" for table in TABLES]
RANKED += [REPORTS / "metrics.json", REPORTS / "made_from.json"]
RENDERED = [REPORTS / name for name in ("README.md", "README.ja.md")]
RENDERED += [REPORTS / f"{figure}.{kind}" for figure in FIGURES for kind in ("png", "svg")]
TEMPLATES = sorted(Path(__file__).parent.glob("pages/*.j2"))  # of the pages, by zdl.report
WEIGHTS = Path("results/best.npz")
WHOLE = Path("results/ranking")  # where every row of the ranking is, of which reports/ has the first ones
FOUND = ("ranking", "findings", "advice", "statistics", "confirmation", "space", "settings.ranges")
RANKS = ("ranking.rank", "ranking._row", "ranking._order", "ranking.top")
KEPT = ("plan.trials", "plan.enroll", "plan.number_of", "settings.resolve")  # trials, by zdl.advice.kept
SURFACE = ("surface", "samplers/", "rounds.history", "rounds._score")


def _file(directory: str, suffix: str, *determinants: Any, fits: Fits = bool) -> File:
    key = digest([directory, *determinants])
    return File(Path(directory) / f"{key[:12]}{suffix}", key, fits)


def _is_plan(lines: dict[str, Any], contents: dict[str, Any]) -> bool:
    return contents == {"digest": contents["digest"], **lines}


class Layout:
    """The files of the search that `settings` describe."""

    words = mnist.WORDS  # the words for its images, in the report

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.settings = settings
        data = settings["data"]
        self.leading = max(mnist.BUNDLED, data["subsample"])
        code = code_digest("dataset", "steps.prepare")
        self.raw = _file("data/raw", ".npz", mnist.PINNED, self.leading, fits=RAW)
        determinants = (self.raw.digest, data["subsample"], code)
        self.prepared = _file("data/prepared", ".npz", *determinants, fits=PREPARED)
        self.held_out = _file("data/held_out", ".npz", self.raw.digest, code, fits=PREPARED)
        determinants = (self.prepared.digest, settings["split"], code_digest("dataset", "steps.split"))
        self.split = _file(str(SPLITS), ".npz", *determinants, fits=SPLIT)

    @classmethod
    def of(cls, params: str | Path = "params.yaml") -> "Layout":
        """The layout under the settings in a file; `SettingsError` if they do not hold."""
        if (trained := trial.CLASSES) != CLASSES:  # it stands there as well, as the names of trials cover it
            raise Error(f"zdl.trial.CLASSES: {trained} (zdl.kinds.CLASSES: {CLASSES}; both must be the same)")
        return cls(load(params))

    @cached_property
    def first(self) -> list[Trial]:
        """The trials that are known before any of them runs: all, unless the search learns."""
        return plan.trials(self.settings, self.split.digest)

    @cached_property
    def rounds(self) -> list[Round]:
        """The rounds after the first, of a search that learns."""
        return rounds(self.settings, self.split.digest)

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
            except Damaged:
                break
        return dict(zip(self.names, trials, strict=False))

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

    def needed_for(self, name: str, anyway: bool = False) -> list[Path]:
        """What the record of trial `name` is to be made from. One that is there needs nothing (unless asked
        `anyway`): a plan or a split that is made again is no reason to train."""
        (record,) = self.records([name])
        return [] if record.exists() and not anyway else [self.listing(name), self.split.path]

    def round(self, name: str) -> Round:
        """The round whose file has that name (without its suffix)."""
        for its in self.rounds:
            if its.path.stem == name:
                return its
        raise Error(f"round {name}: is none of this search; if params.yaml or the code changed, run again")

    def needed_to_propose(self, name: str, anyway: bool = False) -> list[Path]:
        """What a round is to be proposed from: the round before it, and the scores of that. (All earlier ones
        would be quadratic in the rounds.) Where the round before is there, nobody else asks for what is
        missing of still earlier ones. One that is there needs nothing (unless asked `anyway`)."""
        its = self.round(name)
        if its.path.exists() and not anyway:
            return []
        *files, last = [self.plan.path, *(earlier.path for earlier in self.rounds)][: its.number]
        records = self.records(self.names[: its.start])
        others, scores = records[: -len(its.names)], records[-len(its.names) :]
        lost = [path for path in (*files, *others) if last.exists() and not path.exists()]
        return [last, *scores, *lost]

    @cached_property
    def plan(self) -> File:
        lines = plan.lines(self.first, self.names[len(self.first) :])
        order = list(self.settings["search"]["space"])  # in which points hold their values
        fits = partial(_is_plan, lines)
        return _file("results/plan", ".json", lines, order, fits=fits)

    @cached_property
    def table(self) -> File:
        def fits(contents: dict[str, Any]) -> bool:
            trials = self.trials.values()
            return len(trials) < len(self.names) or plan.is_table(trials, contents)  # or it cannot be told

        code = code_digest("plan", "steps.aggregate", "steps._sum")
        return _file("results/table", ".json", self.plan.digest, code, fits=fits)

    @cached_property
    def redrawn(self) -> list[dict[str, Any]]:
        """What determines the split of each repeat."""
        return repeats.splits(self.settings, self.prepared.digest)

    def again(self, trial: Trial) -> list[repeats.Repeat]:
        """The repeats of a trial that is among the best."""
        return repeats.repeats(trial, self.redrawn, self.held_out.digest, code_digest(*repeats.CODE))

    def best(self, count: int) -> list[Trial]:
        """The trials of the first so many ranks, as the table tells, or fewer if fewer finished."""
        from zdl.ranking import rank, top

        self.known()  # or an Error that names what is missing
        return [self.numbered[number] for number in top(rank(read_json(*self.table)), count)["trial"]]

    @cached_property
    def repeated(self) -> list[repeats.Repeat]:
        """All repeats of this search, if it has come so far that they are known."""
        with contextlib.suppress(Damaged):
            best = self.best(self.settings["confirm"]["trials"])
            return [repeat for trial in best for repeat in self.again(trial)]
        return []

    @cached_property
    def confirmed(self) -> list[File]:
        """The files of the best trials' repeats, in the order of their ranks."""
        code = code_digest(*repeats.CODE, *RANKS, "confirm.make", "steps.confirmation")
        made_from = [self.table.digest, self.redrawn, self.held_out.digest, code]
        files = []
        for rank in range(1, self.settings["confirm"]["trials"] + 1):
            key = digest([*made_from, rank])
            path = confirm.CONFIRMED / f"{rank:03d}-{key[:12]}.json"
            files.append(File(path, key, self._is_confirmation))
        return files

    def _is_confirmation(self, contents: dict[str, Any]) -> bool:
        """Whether contents are all repeats of one of these trials, or of none."""
        trial = self.numbered.get(contents["trial"])
        specs = [repeat.spec for repeat in self.again(trial)] if trial else []
        return is_confirmation(contents) and (
            len(self.trials) < len(self.names)  # and it cannot be told
            or [record["spec"] for record in contents["repeats"]] == specs
        )

    def confirmation(self, name: str) -> tuple[int, File]:
        """The rank whose file of repeats has that name (without its suffix), and that file."""
        for rank, file in enumerate(self.confirmed, start=1):
            if file.path.stem == name:
                return rank, file
        raise Error(f"repeats {name}: are not of this search; if params.yaml or the code changed, run again")

    @cached_property
    def baseline(self) -> File:
        """What a linear model makes of the same images."""
        made_from = [self.split.digest, self.redrawn, self.held_out.digest, *map(version, LIBRARIES)]
        code = code_digest("baseline", "dataset", "repeats.redraw", "steps.baseline")
        return _file("results/baseline", ".json", made_from, code, fits=is_baseline)

    @cached_property
    def ranked(self) -> File:
        """The receipt of the files in RANKED."""
        code = code_digest(*FOUND, "steps.rank", "steps._found", "steps._sum")
        confirmed = [file.digest for file in self.confirmed]
        outcomes = [self.table.digest, confirmed, self.baseline.digest]
        made_from = [outcomes, self.settings, code, *map(version, ("pandas", *LIBRARIES))]
        return File(Path("results/receipts/rank.json"), digest(made_from))

    @cached_property
    def whole(self) -> Path:
        """The ranking of all trials, plain CSV for any reader: so its seal is a receipt, `whole_receipt`."""
        return WHOLE / f"{self.whole_receipt.digest[:12]}.csv"

    @cached_property
    def whole_receipt(self) -> File:
        """The receipt of `whole`, apart from that of RANKED, which can be checked with what Git carries."""
        return File(Path("results/receipts/ranking.json"), digest([str(WHOLE), self.ranked.digest]))

    @cached_property
    def rendered(self) -> File:
        """The receipt of the files in RENDERED."""
        code = [
            code_digest("figures/", "report", "prose", "steps.render", "steps._search", *SURFACE, *KEPT),
            *(path.read_text("utf-8") for path in TEMPLATES),
        ]
        libraries = ("jinja2", "matplotlib", *LIBRARIES)
        shown = [self.words, SHAPE]
        made_from = [self.ranked.digest, self.settings, code, shown, *map(version, libraries)]
        return File(Path("results/receipts/render.json"), digest(made_from))

    @cached_property
    def weighted(self) -> File:
        """The receipt of WEIGHTS."""
        made_from = [self.table.digest, code_digest(*RANKS, "steps.weights")]
        return File(Path("results/receipts/weights.json"), digest(made_from))
