"""Try to break the promise: random edits of settings and code, damage, kills and rivals, and then a plain run
that repairs it all.

    make soak MINUTES=60 SEED=1
    python -m tests.soak --replay "built edit:lr:wide kill:group:dvc:0.5 finish:snakemake"

A sequence is a line of words, each an action with its arguments, drawn from a seed. It is played in a
temporary clone with a tiny search, by the real engines, and held against an oracle: the pipeline's steps
called one after another in an empty folder. Checked after every action, not only at the end:

- a plain run of either engine exits with 0, and reports/ and every record are the oracle's, byte for byte;
- a trial is trained only while no whole copy of its record is here, and a kill loses what it interrupted;
- no file under data/, results/, reports/ and .zdl/trials/ is ever torn: each holds bytes that a fresh
  clone has too, or the very ones that were put there as damage.

A failure prints its words, and `--shrink` finds fewer that fail too.
"""

import argparse
import contextlib
import hashlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import psutil
from filelock import FileLock

from tests.engines import ENGINES, MEMO, ROOT, STEP_BY_STEP, TINY, Clone, tree
from tests.pipeline.test_paths import ENTRIES
from tests.planted import plant, source
from zdl.artifacts.closure import Closure, Source
from zdl.artifacts.io import TEMPORARY

FAULTS = str(ROOT / "tests/faults")
SLOW = "0.3"  # seconds that a training takes at least, where a kill is to find it under way
TYPICAL = {"snakemake": 7.0, "dvc": 9.0}  # seconds of a run: a kill comes at a share of them
CACHED_TRIALS = (
    ".zdl/trials",
    "results/trials",
)  # where a whole record saves its trial from being trained again
MADE = ("data", "results", "reports")
WEIGHTS = ("results/best.npz", "results/manifests/weights/")
UNTRACKED = {"snakemake": (), "dvc": WEIGHTS}  # what an engine does not know of, and leaves as it was

SETTINGS = {  # what is edited, and the values that it takes; the first is the template's
    "lr": {"book": (1e-6, 1e-2), "narrow": (1e-4, 1e-2), "wide": (1e-6, 1e1), "shift": (1e-5, 1e-1)},
    "weight_decay": {"book": (1e-8, 1e-4), "wide": (1e-8, 1e-1)},
    "trials": {"6": ("search", 6), "4": ("search", 4), "9": ("search", 9)},
    "method": {name: ("search", name) for name in ("random", "bayes", "tpe", "halving", "hyperband")},
    "seed": {"42": ("search", 42), "7": ("search", 7)},
    "subsample": {"100": ("data", 100), "90": ("data", 90)},
    "source": {"bundled": ("data", "bundled"), "auto": ("data", "auto")},  # changes no file of data/
    "epochs": {"2": ("training", 2), "3": ("training", 3), "4": ("training", 4)},
    "optimizer": {"sgd": ("training", "sgd"), "adam": ("training", "Adam")},
    "replicates": {"2": ("replicate", 2), "3": ("replicate", 3)},
    "best": {"4": ("report", 4), "3": ("report", 3)},
}
DEFECTS = {  # what the soak must catch: a file, and an edit that breaks the promise in it
    "no lock": (
        "src/zdl/pipeline/locks.py",
        'f"{name}.lock"',
        "f\"{__import__('os').getpid()}.lock\"",
    ),
    "no checksum": (
        "src/zdl/artifacts/io.py",
        "data[cut:] != hashlib.sha256(data[:cut]).hexdigest().encode() + end",
        "not data.endswith(end)",
    ),
    "a digest that forgets a setting": (
        "src/zdl/artifacts/artifact.py",
        "for name, value in given.items()}",
        'for name, value in given.items() if (name, "pages" in path) != ("settings", True)}',
    ),
    "a write that is not atomic": (
        "src/zdl/artifacts/io.py",
        'tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.", suffix=TEMPORARY)',
        "os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), str(path)",
    ),
    "a report that trusts time stamps": (
        "src/zdl/artifacts/manifest.py",
        "if sha256_of_file(path) != expected]",
        "if Path(path).stat().st_mtime > file.path.stat().st_mtime]",
    ),
    "a cache that restores unverified": (
        "src/zdl/pipeline/cache.py",
        "        return read(file)\n    except (CorruptFileError, OSError):\n        return None",
        "        return file.path.read_bytes()\n    except (CorruptFileError, OSError):\n        return None",
    ),
}


CHANGES = {  # edits of the code after which the report is another one
    "figures": ("src/zdl/report/figures/base.py", '"font.size": 9,', '"font.size": 8,'),
    "tables": ("src/zdl/analysis/ranking.py", '(finished["val_acc"] > 0.5).sum()', "len(finished)"),
}
BATCH = TINY["search"]["batch"]  # trials of a round


class Broken(AssertionError):
    """The promise was."""


class Expected(NamedTuple):
    keys: dict[str, str]  # under which the cache has each trial, by the trial's name
    files: dict[str, bytes]  # that a fresh clone has after a run

    def record(self, name: str) -> bytes:
        return self.files[f"results/trials/{name}.json"]


KEYS = """
import json
from zdl.pipeline.paths import Paths
from zdl.pipeline.progress import Progress
print(json.dumps({name: trial.key for name, trial in Progress(Paths.of()).trials.items()}))
"""


class Oracle:
    """What must come out of settings and code: every step called in turn, without an engine.

    Processes may share its folder, which holds each file's bytes once. `code` is a clone to take the code
    from, other than the one that is asked about: one without the defect that is planted there.
    """

    def __init__(self, folder: Path, code: Clone | None = None) -> None:
        self.folder, self.code = folder, code
        self.known: dict[str, Expected] = {}
        self._bytes: dict[str, bytes] = {}  # by their SHA-256
        folder.mkdir(parents=True, exist_ok=True)

    def __call__(self, clone: Clone, done: Clone | None = None) -> Expected:
        """What a run in the clone must make. `done` is a clone in which every step was called in turn."""
        code = self.code or clone
        sources = [clone.path / "params.yaml", *sorted(code.path.glob("src/zdl/**/*.py"))]
        key = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]
        if key not in self.known:
            listing = self.folder / f"{key}.json"
            with FileLock(f"{listing}.lock"), tempfile.TemporaryDirectory(dir=self.folder) as scratch:
                if not listing.exists():
                    done = done or self._run(code, clone.path / "params.yaml", Path(scratch) / "zdl")
                    sums = {
                        name: self._keep(done.path / name)
                        for name in files_under(done.path, *MADE, CACHED_TRIALS[0])
                    }
                    keys = json.loads(done.run("python", "-c", KEYS))
                    listing.write_text(json.dumps([keys, sums]), "utf-8")
            keys, sums = json.loads(listing.read_text("utf-8"))
            for sum_ in {*sums.values()} - self._bytes.keys():
                self._bytes[sum_] = (self.folder / sum_).read_bytes()
            self.known[key] = Expected(keys, {name: self._bytes[sum_] for name, sum_ in sums.items()})
        return self.known[key]

    def _run(self, code: Clone, settings: Path, folder: Path) -> Clone:
        fresh = Clone(folder)
        for part in ("src", "workflow"):
            shutil.copytree(code.path / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(settings, folder)
        if (raw := self.folder / "raw").exists():  # the same for every search of up to 500 images
            shutil.copytree(raw, folder / "data/raw")
        Clone(self.folder).tell(folder)
        fresh.timeout = 100
        fresh.run(
            "python", "-c", STEP_BY_STEP, OPENBLAS_NUM_THREADS="1"
        )  # as each step: last bits of weights
        if not (self.folder / MEMO).exists():
            fresh.tell(self.folder)
        with contextlib.suppress(OSError):  # it is there, or another process was first
            Path(shutil.copytree(folder / "data/raw", folder / "raw")).rename(raw)
        return fresh

    def _keep(self, path: Path) -> str:
        """Have the bytes of a file in the folder, under their SHA-256."""
        data = path.read_bytes()
        sum_ = hashlib.sha256(data).hexdigest()
        if not (self.folder / sum_).exists():
            with tempfile.NamedTemporaryFile(dir=self.folder, delete=False) as file:
                file.write(data)
            os.replace(file.name, self.folder / sum_)
        return sum_


def contents(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def files_under(folder: Path, *tops: str) -> list[str]:
    """The files in a clone under some of its directories."""
    paths = (path for top in tops for path in (folder / top).rglob("*") if path.is_file())
    paths = (path for path in paths if path.suffix != TEMPORARY)  # a killed process's, which nobody reads
    return sorted(str(path.relative_to(folder)) for path in paths)


def damaged(kind: str, data: bytes, other: bytes, where: float) -> bytes:
    """What a file of `data` holds after damage at a share of its length."""
    at = int(where * len(data))
    match kind:
        case "empty":
            return b""
        case "truncate":
            return data[:at]
        case "flip" if data:
            return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        case "digit":  # of a number, as a person might edit it; the seal stays what it was
            starts = [m.start() + 1 for m in re.finditer(rb"[ \[,][1-9](?=[\d.,\]])", data[:-70])]
            if starts:
                at = starts[int(where * len(starts))]
                return data[:at] + (b"1" if data[at : at + 1] != b"1" else b"2") + data[at + 1 :]
        case "foreign":
            return other
    return data + b"1,99\n"


class Template:
    """The clones that sequences start in, each made when it is first needed unless it is given: one in which
    nothing has run, one after Snakemake, and one after both engines, committed and pushed. The first two have
    the defect."""

    def __init__(
        self,
        folder: Path,
        defect: str | None = None,
        *,
        fresh: Clone | None = None,
        searched: Clone | None = None,
        built: Clone | None = None,
        oracle: Oracle | None = None,
    ) -> None:
        self.folder = folder = folder.resolve()
        self.oracle = oracle or Oracle(folder / "oracle")
        self.defect, self._fresh, self._searched, self._built = defect, fresh, searched, built

    @cached_property
    def fresh(self) -> Clone:
        path = self.folder / "fresh"
        return self._planted(self._fresh.copy(path) if self._fresh else Clone.of_this_project(path))

    @cached_property
    def searched(self) -> Clone:
        if self._searched:
            return self._planted(self._searched.copy(self.folder / "searched"))
        clone = Clone.of_this_project(self.folder / "searched")
        clone.engine("snakemake")
        return self._planted(clone)

    def _planted(self, clone: Clone) -> Clone:
        if self.defect:
            file, old, new = DEFECTS[self.defect]
            replace(clone.path / file, old, new)
            clone.commit()
        return clone

    @cached_property
    def built(self) -> Clone:
        built = self._built or build(self.fresh.copy(self.folder / "built"))
        for branch in built.run("git", "branch", "--format", "%(refname:short)").split():
            other = built.copy(self.folder / "other")
            other.run("git", "switch", "--quiet", "--force", branch)
            self.oracle(other)
            shutil.rmtree(other.path)
        return built


def build(clone: Clone) -> Clone:
    """Have both engines run in it, commit and push, on two branches."""
    clone.run("dvc", "remote", "add", "--default", "here", str(clone.path.parent / "remote"))
    for name, settings in (("main", {}), ("other", {"lr": "narrow", "best": "3"})):
        clone.run("git", "switch", "--quiet", "--force-create", name)
        for setting, value in settings.items():
            edit(clone, setting, value)
        clone.engine("dvc")
        clone.engine("snakemake")
        clone.commit()
        clone.run("dvc", "push")
    clone.run("git", "switch", "--quiet", "main")
    clone.run("dvc", "checkout", "--force")
    return clone


def edit(clone: Clone, name: str, value: str) -> None:
    """Set one of SETTINGS in params.yaml."""
    if name in ("lr", "weight_decay"):
        clone.search(**{name: SETTINGS[name][value]})
    else:
        section, setting = SETTINGS[name][value]
        clone.edit(**{section: {name: setting}})


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text, f"{path} has no {old!r} to edit"
    path.write_text(text.replace(old, new), "utf-8")


class Sequence:
    """One sequence of actions in a clone of its own; `play` raises `Broken` where the promise breaks.

    Actions are the methods whose names end in an underscore: the word `kill:group:dvc:0.5` calls
    `kill_("group", "dvc", "0.5")`.
    """

    def __init__(self, template: Template, folder: Path) -> None:
        self.template, self.folder = template, folder
        self.done: Counter[str] = Counter()  # actions, and what they did
        self.log = folder / "log"
        self.killed = False  # a DVC, which may have left its own files half written: scripts/repro.py
        self.trained: Counter[str] = Counter()
        self.allowed: Counter[str] = Counter()  # as often may a trial be trained
        self.bytes: dict[str, set[str]] = defaultdict(set)  # SHA-256 of what a file of a name may hold

    def play(self, words: str) -> None:
        for word in words.split():
            verb, *args = word.split(":")
            self.done[verb] += 1
            try:
                getattr(self, f"{verb}_")(*args)
            except AssertionError as error:
                raise Broken(f"{word} in\n  {words}\n{error}") from error
            finally:
                self._settle()

    # Where it starts and how it ends.

    def fresh_(self) -> None:
        self.clone = self.template.fresh.copy(self.folder / "0")

    def searched_(self) -> None:
        self.clone = self.template.searched.copy(self.folder / "0")
        self._learn(self.template.oracle(self.clone).files)

    def built_(self) -> None:
        self.clone = self.template.built.copy(self.folder / "0")
        for expected in self.template.oracle.known.values():
            self._learn(expected.files)

    def finish_(self, engine: str) -> None:
        """A plain run of each engine: the first mends everything, the other finds nothing to train."""
        self.run_(engine)
        before = self.trained.total()
        self.run_(*(other for other in ENGINES if other != engine))
        if self.trained.total() != before:
            raise Broken("the second engine trained again what the first had trained")

    def compare_(self) -> None:
        """A real fresh clone at the same settings, by DVC: the same reports, and the same dvc.lock."""
        fresh = self.template.fresh.copy(self.folder / "compared")
        for name in ("src", "workflow", "params.yaml"):
            copy = shutil.copytree if (self.clone.path / name).is_dir() else shutil.copy
            shutil.rmtree(fresh.path / name) if copy is shutil.copytree else None
            copy(self.clone.path / name, fresh.path / name)
        fresh.engine("dvc")
        if fresh.reports() != self.clone.reports():
            raise Broken("a fresh clone has other reports")
        if (fresh.path / "dvc.lock").read_bytes() != (self.clone.path / "dvc.lock").read_bytes():
            raise Broken("a fresh clone has another dvc.lock")

    # Runs.

    def run_(self, engine: str, cores: str = "2") -> None:
        expected = self._expect()
        code, said = self._wait(self._start(engine, cores))
        self._account(expected, 0)
        self._right(engine, code, said, expected)

    def look_(self) -> None:
        """A dry run names the trials whose records are not there, or not whole, and changes nothing."""
        expected, before = self._expect(), tree(self.clone.path)
        code, said = self._wait(self._start("snakemake", "1", "--dry-run"))
        self._account(expected, 0)
        if tree(self.clone.path) != before:
            raise Broken("looking changed what was looked at")
        absent = {name for name in expected.keys if not self._holds(CACHED_TRIALS[1], name, expected)}
        rounds = {name: data for name, data in expected.files.items() if "/rounds/" in name}
        if any(contents(self.clone.path / name) != data for name, data in rounds.items()):
            absent |= {name for name in expected.keys if int(name[:4]) >= BATCH}  # they go with their round
        named = re.findall(r"^trial (\S+):", said, re.M)
        if code or named != sorted(absent):
            raise Broken(f"the dry run ({code}) names {named}, but {absent} are not there\n{said}")

    def both_(self, one: str, other: str, later: str) -> None:
        """Two runs at once. DVC lets one of its own in; the rest must come out right."""
        expected = self._expect()
        first = self._start(one, "2", ZDL_SLOW="1")  # so that they meet
        time.sleep(float(later))
        second = self._start(other, "2", ZDL_SLOW="1")
        outcomes = [self._wait(process) for process in (first, second)]
        self._account(expected, 0)
        if one == other == "dvc" and all(code for code, _ in outcomes):
            raise Broken(f"DVC let neither in\n{outcomes[0][1]}\n{outcomes[1][1]}")
        for engine, (code, said) in zip((one, other), outcomes, strict=True):
            if not (one == other == "dvc" and code):
                self._right(engine, code, said, expected)

    def kill_(self, whom: str, engine: str, moment: str, again: str = "") -> None:
        """Kill -9 of the engine and its process group, of the engine alone, or of a trial alone, and perhaps
        the same command again at once, while what survived still runs."""
        expected = self._expect()
        process, losses = self._start(engine, "2", session=True, ZDL_SLOW=SLOW), 0
        if whom == "trial":
            if trial := self._first(process, "scripts/trial.py"):
                time.sleep(float(moment) * 0.4)
                with contextlib.suppress(psutil.NoSuchProcess):
                    trial.kill()
                    losses = 1
                    self.done["trial killed"] += 1
        else:
            if moment == "first":
                self._first(process, ".py", "workflow/scripts/")
            else:
                time.sleep(float(moment) * TYPICAL[engine])
            if process.poll() is None:
                os.killpg(process.pid, 9) if whom == "group" else process.kill()
                losses = 2 if whom == "group" else 0  # at most a trial a core
                self.done[f"{whom} killed"] += 1
                self.killed |= engine == "dvc"
        code, said = self._wait(process)
        for own in ("dvc.lock", ".dvc/tmp/rwlock"):
            path = self.clone.path / own
            self.done[f"{own} left empty"] += path.exists() and not path.read_bytes()
        if again:
            code, said = self._wait(self._start(engine, "2"))
        self._account(expected, losses)
        if again or not code:  # nobody ends well and leaves something out
            self._right(engine, code, said, expected)

    def crash_(self, kind: str, number: str, after: str, engine: str) -> None:
        """The system kills one script: its write is cut short, or it dies just before it renames a file."""
        expected = self._expect()
        tokens = Path(tempfile.mkdtemp(dir=self.folder))
        for k in range(int(number)):
            (tokens / f"{k:03}").touch()
        (tokens / f"{int(number):03}-{kind}-{after}").touch()
        code, said = self._wait(self._start(engine, "2", ZDL_FAULT=str(tokens)))
        self.done["crashed"] += bool(code)
        self._account(expected, int(bool(code)))
        if not code:
            self._right(engine, code, said, expected)

    # What people do.

    def edit_(self, name: str, value: str) -> None:
        edit(self.clone, name, value)

    def code_(self, entry: str, seed: str) -> None:
        """Plant an edit in code that some file is named by; but none that breaks what it is planted in."""
        rng, src = random.Random(seed), self.clone.path / "src"
        definitions = sorted(Closure(Source(src / "zdl"), entry.replace("=", ":")).definitions)
        module, name = rng.choice(definitions)
        path = source(src, module)
        text = path.read_text("utf-8")
        if plant(src, f"{module}:{name}", rng):
            try:
                self.template.oracle(self.clone)
            except (AssertionError, subprocess.TimeoutExpired):  # it fails, or has no end
                path.write_text(text, "utf-8")
            else:
                self.done["planted"] += 1

    def change_(self, name: str) -> None:
        """Make one of CHANGES, after which the report must be another one."""
        before = self.template.oracle(self.clone).files
        file, old, new = CHANGES[name]
        replace(self.clone.path / file, old, new)
        after = self.template.oracle(self.clone).files
        if all(after[name] == data for name, data in before.items() if name.startswith("reports/")):
            raise Broken("a change of the code changed no report")

    def back_(self) -> None:
        """Take all edits back."""
        self._git("checkout", "--quiet", "--force", ".")

    def commit_(self) -> None:
        self._git("add", "--all")
        self._git("commit", "--quiet", "--allow-empty", "--message", "now")

    def branch_(self, name: str) -> None:
        """Go to another branch with all that is tracked."""
        self._git("checkout", "--quiet", "--force", name)
        self._try("dvc", "checkout", "--force")

    def stash_(self) -> None:
        self._git("stash", "--quiet")
        self._try("dvc", "checkout", "--force")

    def pop_(self) -> None:
        self._git("reset", "--quiet", "--hard")
        if self._try("git", "stash", "list") and not self._git("stash", "pop"):
            self._git("reset", "--quiet", "--hard")

    def pull_(self) -> None:
        """Go on in a clone of what is committed, with what DVC's remote has of it."""
        self._try("dvc", "push")
        path = self.folder / str(int(self.clone.path.name) + 1)
        self.clone.run("git", "clone", "--quiet", "--branch", self._branch(), ".", str(path))
        self.clone = Clone(path)
        self._try("dvc", "pull")

    def delete_(self, name: str) -> None:
        shutil.rmtree(self.clone.path / name, ignore_errors=True)

    def touch_(self, seed: str) -> None:
        """Any time stamp on any file, of the past or of the future; or the same on all."""
        for path in self.clone.path.rglob("*"):
            name = path.relative_to(self.clone.path)
            if path.is_file() and not {".git", ".dvc"} & set(name.parts):
                at = 10**9 if seed == "same" else random.Random(f"{seed} {name}").randrange(2 * 10**9)
                os.utime(path, (at, at))

    def damage_(self, kind: str, top: str, which: str, where: str = "0.5") -> None:
        """Delete, empty or cut a file (or all of them), change a bit or a number, add a line, or put another
        file's bytes there."""
        names = files_under(self.clone.path, top)
        whole = {name: (self.clone.path / name).read_bytes() for name in names}
        for k in range(len(names)) if which == "all" else [int(float(which) * len(names))] * bool(names):
            path, data, other = self.clone.path / names[k], whole[names[k]], whole[names[k - 1]]
            self.done[f"{kind} {top}"] += 1
            if kind == "delete":
                path.unlink()
            else:
                path.write_bytes(damaged(kind, data, other, float(where)))
                self._learn({names[k]: path.read_bytes()})

    # How it is held against the oracle.

    def _expect(self) -> Expected:
        """What must come out of a run now; and each of its trials of which no whole record is here may be
        trained once more."""
        expected = self.template.oracle(self.clone)
        self._learn(expected.files)
        for name in expected.keys:
            whole = any(self._holds(place, name, expected) for place in CACHED_TRIALS)
            self.allowed[name] = self.trained[name] + (not whole)
        self.held = self._held()
        return expected

    def _held(self) -> set[tuple[str, str]]:
        """Every trial of which a whole record is here, whichever settings asked for it."""
        return {
            (key, name)
            for key, expected in self.template.oracle.known.items()
            for name in expected.keys
            if any(self._holds(place, name, expected) for place in CACHED_TRIALS)
        }

    def _learn(self, files: dict[str, bytes]) -> None:
        for name, data in files.items():
            self.bytes[Path(name).name].add(hashlib.sha256(data).hexdigest())

    def _holds(self, place: str, name: str, expected: Expected) -> bool:
        path = self.clone.path / place / f"{name if place == CACHED_TRIALS[1] else expected.keys[name]}.json"
        return path.is_file() and path.read_bytes() == expected.record(name)

    def _account(self, expected: Expected, losses: int) -> None:
        """No training was needless or in vain, but for `losses` that a fault cost; and nothing is torn."""
        self._settle()
        new = Counter(self.clone.trained())
        self.trained += new
        needless = Counter({name: self.trained[name] - self.allowed[name] for name in new})
        vain = {
            n
            for n in new
            if n in expected.keys and not any(self._holds(p, n, expected) for p in CACHED_TRIALS)
        }
        if (+needless).total() + len(vain) > losses:
            raise Broken(f"trained, and need not be: {+needless}; trained, and no record is here: {vain}")
        for name in files_under(self.clone.path, *MADE, CACHED_TRIALS[0]):
            data = (self.clone.path / name).read_bytes()
            if hashlib.sha256(data).hexdigest() not in self.bytes[Path(name).name]:
                raise Broken(f"{name} is torn, or what no fresh clone has")
        if gone := self.held - self._held():
            raise Broken(f"the last whole records of {gone} are lost")

    def _right(self, engine: str, code: int, said: str, expected: Expected) -> None:
        if code:
            raise Broken(f"{engine} ended with {code}\n{said}")
        for name, data in expected.files.items():
            path = self.clone.path / name
            needed = name.startswith(("reports/", "results/trials/", "results/replicates/"))
            there = path.is_file() and not name.startswith(".zdl/") and not name.startswith(UNTRACKED[engine])
            if (needed or there) and not (path.is_file() and path.read_bytes() == data):
                raise Broken(f"{name} is not what a fresh clone has\n{said}")

    # The machinery.

    def _start(
        self, engine: str, cores: str, *more: str, session: bool = False, **faults: str
    ) -> "subprocess.Popen[bytes]":
        """An engine, with faults; in a session of its own, its processes can be killed together."""
        command = {
            "snakemake": ["snakemake", "--cores", cores, *more],
            "dvc": ["dvc", "repro"],
            "dvc killed": ["python", "workflow/scripts/repro.py"],
        }[f"{engine} killed" if engine == "dvc" and self.killed else engine]
        path = f"{FAULTS}{os.pathsep}{self.clone.env['PYTHONPATH']}"
        env = {**self.clone.env, "PYTHONPATH": path, "ZDL_CORES": cores, **faults}
        with open(f"{self.log}{time.monotonic_ns()}", "xb") as log:
            process = subprocess.Popen(
                command, cwd=self.clone.path, env=env, start_new_session=session,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        process.said = Path(log.name)  # type: ignore[attr-defined]
        return process

    def _wait(self, process: "subprocess.Popen[bytes]") -> tuple[int, str]:
        try:
            code = process.wait(timeout=180)
        except subprocess.TimeoutExpired:
            for alive in self._alive():
                alive.kill()
            raise Broken(f"it hangs\n{process.said.read_text()}") from None  # type: ignore[attr-defined]
        return code, process.said.read_text()  # type: ignore[attr-defined]

    def _first(self, process: "subprocess.Popen[bytes]", end: str, start: str = "") -> psutil.Process | None:
        """The first process that runs such a script, if one does before the engine's end."""
        while process.poll() is None:
            for child in self._alive():
                with contextlib.suppress(psutil.Error):
                    if any(word.endswith(end) and word.startswith(start) for word in child.cmdline()[:2]):
                        return child
            time.sleep(0.02)
        return None

    def _alive(self) -> Iterator[psutil.Process]:
        """What runs in the clone, whoever started it."""
        for process in psutil.process_iter(["cwd", "status"]):
            here = process.info["cwd"] == str(self.clone.path) and process.pid != os.getpid()
            if here and process.info["status"] != psutil.STATUS_ZOMBIE:
                yield process

    def _settle(self) -> None:
        """Wait for what outlived a kill."""
        end = time.monotonic() + 120
        while alive := list(self._alive()):
            if time.monotonic() > end:
                raise Broken(f"{alive} do not end")
            time.sleep(0.05)

    def _branch(self) -> str:
        return self.clone.run("git", "rev-parse", "--abbrev-ref", "HEAD").strip()

    def _git(self, *words: str) -> bool:
        return self._try("git", "-c", "user.name=t", "-c", "user.email=t@t", *words) is not None

    def _try(self, *command: str) -> str | None:
        """What a command prints; None where it refuses, as a person may be refused."""
        done = subprocess.run(
            command, cwd=self.clone.path, env=self.clone.env, capture_output=True, check=False
        )
        return None if done.returncode else done.stdout.decode()


# Sequences at random.


def sequence(rng: random.Random) -> str:
    """The words of a random sequence."""
    words = [rng.choice(["fresh", "built", "built"])]
    words += [rng.choice(WORDS)(rng) for _ in range(rng.randint(4, 9))]
    return " ".join([*words, f"finish:{rng.choice(ENGINES)}"])


def _edit(rng: random.Random) -> str:
    name = rng.choice([*SETTINGS, "lr", "trials", "best"])
    return f"edit:{name}:{rng.choice([*SETTINGS[name]])}"


def _damage(rng: random.Random) -> str:
    kind = rng.choice(["delete", "empty", "truncate", "flip", "digit", "foreign", "append"])
    top = rng.choice(
        ["data", "results", "results/trials", "results/trials", ".zdl/trials", ".zdl/checkpoints", "reports"]
    )
    which = "all" if rng.random() < 0.2 else f"{rng.random():.3f}"
    return f"damage:{kind}:{top}:{which}:{rng.random():.3f}"


def _kill(rng: random.Random) -> str:
    whom = rng.choice(["group", "engine", "trial"])
    return f"kill:{whom}:{rng.choice(ENGINES)}:{rng.random():.3f}{rng.choice(['', ':again'])}"


def _crash(rng: random.Random) -> str:
    kind, after = rng.choice([("write", rng.choice([0, 1, 200, 800, 5000])), ("rename", rng.randrange(4))])
    return f"crash:{kind}:{rng.randrange(14)}:{after}:{rng.choice(ENGINES)}"


def _both(rng: random.Random) -> str:
    return f"both:{rng.choice(ENGINES)}:{rng.choice(ENGINES)}:{rng.choice([0, 0, 2, 4]) * rng.random():.3f}"


def _run(rng: random.Random) -> str:
    return rng.choice(["run:snakemake:1", "run:snakemake:2", "run:dvc", "look"])


DIRECTORIES = (
    ".snakemake",
    ".zdl",
    ".zdl/checkpoints",
    "results/manifests",
    "results/trials",
    "results",
    "data",
    "logs",
    ".dvc/tmp",
)
WORDS = [
    *[_edit] * 5,
    *[_damage] * 5,
    *[_run] * 4,
    *[_kill] * 4,
    *[_crash] * 3,
    *[_both] * 2,
    *[lambda rng: f"code:{rng.choice(ENTRIES).replace(':', '=')}:{rng.randrange(10**6)}"] * 3,
    *[lambda rng: f"delete:{rng.choice(DIRECTORIES)}"] * 2,
    *[lambda rng: rng.choice(["stash", "pop", "branch:main", "branch:other", "commit", "pull", "back"])] * 3,
    lambda rng: f"touch:{rng.randrange(1000)}",
]


def play(template: Template, words: str) -> Counter[str]:
    """Play one sequence in a folder of its own; what was done. Raises `Broken`."""
    with tempfile.TemporaryDirectory(prefix="zdl-", dir=template.folder) as folder:
        run = Sequence(template, Path(folder))
        run.play(words)
        run.done["trainings"] += run.trained.total()
        return run.done


def shrink(template: Template, words: str) -> str:
    """Words that fail too, fewer of them: each is left out in turn."""
    kept = words.split()
    for k in range(len(kept) - 2, 0, -1):
        fewer = kept[:k] + kept[k + 1 :]
        try:
            play(template, " ".join(fewer))
        except Broken:
            kept = fewer
            print(f"  fails too: {' '.join(kept)}", flush=True)
    return " ".join(kept)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--replay", metavar="WORDS", help="play this sequence, and no other")
    parser.add_argument("--shrink", action="store_true", help="look for fewer words that fail too")
    parser.add_argument("--defect", choices=DEFECTS, help="plant one, to see it caught")
    parser.add_argument("--stop", action="store_true", help="stop at the first failure")
    args = parser.parse_args()

    done: Counter[str] = Counter()
    failures, played, start = 0, 0, time.monotonic()
    with tempfile.TemporaryDirectory(prefix="zdl-soak-") as folder:
        template = Template(Path(folder), args.defect)
        print(f"seed {args.seed}", flush=True)
        while not played if args.replay else time.monotonic() - start < 60 * args.minutes:
            seed = f"{args.seed}-{played}"
            words = args.replay or sequence(random.Random(seed))
            if not args.replay and played % 5 == 4 and words.endswith("snakemake"):
                words += " compare"
            played += 1
            try:
                done += play(template, words)
            except (Broken, OSError, subprocess.SubprocessError) as broken:
                failures += 1
                print(f"{seed} FAILED: {broken}\n", flush=True)
                if args.shrink:
                    print(f"  shrunk: {shrink(template, words)}", flush=True)
                if args.stop:
                    break
            if played % 10 == 0:
                print(f"{played} sequences, {failures} failed", flush=True)
    print(f"seed {args.seed}: {played} sequences, {failures} failed, {time.monotonic() - start:.0f} s")
    print(", ".join(f"{count} {name}" for name, count in done.most_common()))
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
