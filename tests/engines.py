"""A temporary clone of this repository with a tiny search, and both engines to drive in it for real."""

import compileall
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from py_compile import PycInvalidationMode

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parent.parent
PARAMS = ROOT / "tests/params.yaml"  # the book's search, whatever users search here
TRIALS = 6
TINY = {
    "data": {"source": "bundled", "subsample": 100},
    "model": {"hidden_width": 8, "hidden_depth": 2},
    "training": {"epochs": 2, "batch_size": 20},
    "search": {"trials": TRIALS, "batch": 3, "eta": 2, "min_epochs": 1},
    "replicate": {"trials": 2, "replicates": 2},
    "report": {"best": 4},
}
ENGINES = ("snakemake", "dvc")
MEMO = ".zdl/fingerprints.json"
KNOWN: dict[bytes, frozenset[str]] = {}  # the names of trials, by the settings and the code
STEP_BY_STEP = """
from zdl.artifacts.fingerprint import remember
from zdl.pipeline import cache, steps
from zdl.pipeline.paths import Paths
from zdl.pipeline.progress import Progress
paths = Paths.of()
if not paths.raw.path.exists():
    steps.download(paths, print)
for step in (steps.prepare, steps.split, steps.plan):
    step(paths, print)
for number in range(len(paths.rounds) + 1):
    if number:
        steps.propose(paths, print, paths.rounds[number - 1].name)
        paths = Paths.of()
    for trial in Progress(paths).trials.values():
        cache.get_or_train(trial)
steps.aggregate(paths, print)
for file in paths.replicates:
    steps.replicate(paths, print, file.path.stem)
for step in (steps.baseline, steps.rank, steps.weights):
    step(paths, print)
for step in (steps.draw_trials, steps.draw_replicates, steps.pages):
    step(paths, print)
remember()
"""  # the whole pipeline, without an engine
ANALYSE = """
from zdl.artifacts.fingerprint import remember
from zdl.pipeline.paths import Paths
paths = Paths.of()
paths.artifacts, paths.rounds
remember()
"""


class Clone:
    """A repository in `path`; trainings are counted outside of it."""

    timeout = 300  # seconds for a command

    def __init__(self, path: Path) -> None:
        self.path = path
        self.log = path.parent / f"{path.name}.trainings"
        bin_ = Path(sys.executable).parent
        self.env = {
            **{
                name: value
                for name, value in os.environ.items()
                if not name.startswith(("ZDL_", "DVC_", "GIT_", "MAKE", "MFLAGS"))
            },
            "PATH": os.pathsep.join([os.environ.get("ZDL_WARM", str(bin_)), str(bin_), os.environ["PATH"]]),
            "PYTHONPATH": str(path / "src"),
            "ZDL_TRAININGS": str(self.log),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "DVC_GLOBAL_CONFIG_DIR": str(path.parent),
            "DVC_SYSTEM_CONFIG_DIR": str(path.parent),
        }

    @classmethod
    def of_this_project(cls, path: Path, **settings: dict) -> "Clone":
        """What Git tracks or would track here, but for docs/, committed, with the settings (TINY) edited and
        no results."""
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        for name in filter(None, listed.stdout.split("\0")):
            if (ROOT / name).is_file() and not name.startswith(("docs/", "reports/", "dvc.lock")):
                (path / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, path / name)
        shutil.copy2(PARAMS, path / "params.yaml")
        # Without it, bytecode is taken for that of a file which is edited twice in one second
        by_hash = PycInvalidationMode.CHECKED_HASH
        for folder in ("src", "workflow"):
            compileall.compile_dir(path / folder, quiet=2, invalidation_mode=by_hash)
        clone = cls(path)
        clone.run("git", "init", "--quiet")
        clone.edit(**(settings or TINY))
        clone.commit()
        clone.run("git", "gc", "--quiet")  # one file instead of 500, as tests copy clones a few hundred times
        return clone

    def copy(self, path: Path) -> "Clone":
        shutil.copytree(self.path, path, symlinks=True)
        return Clone(path)

    def clone(self, path: Path) -> "Clone":
        """What Git carries; and what was found out about the code, as long as that is what it was."""
        self.run("git", "clone", "--quiet", ".", str(path))
        self.tell(path)
        return Clone(path)

    def tell(self, folder: Path) -> None:
        """Have a folder know what was found out about the code here, which takes seconds."""
        (folder / MEMO).parent.mkdir(parents=True, exist_ok=True)
        if (self.path / MEMO).exists():
            shutil.copy(self.path / MEMO, folder / MEMO)

    def analyse(self) -> None:
        """Have the folder know what is to be found out about its code."""
        self.run("python", "-c", ANALYSE)

    def commit(self) -> None:
        self.run("git", "add", "--all")
        who = ("-c", "user.name=t", "-c", "user.email=t@t")
        self.run("git", *who, "commit", "--quiet", "--message", "tiny")

    def run(self, *command: str, ok: bool = True, **env: str) -> str:
        """Both streams of a command's output; with `ok` false it has to fail."""
        done = subprocess.run(
            command, cwd=self.path, env=self.env | env, text=True, check=False, timeout=self.timeout,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert (done.returncode == 0) == ok, f"{' '.join(command)}: {done.returncode}\n{done.stdout}"
        return done.stdout

    def engine(self, name: str, *targets: str, cores: int = 2, **env: str) -> str:
        """A run; with targets (rules and stages have the same names) no further than those need."""
        if name == "snakemake":
            return self.run("snakemake", "--cores", str(cores), *targets, **env)
        return self.run("dvc", "repro", *targets, ZDL_CORES=str(cores), **env)

    def edit(self, **sections: dict) -> None:
        """Merge into params.yaml, as a person would edit it."""
        yaml, path = YAML(), self.path / "params.yaml"
        settings = yaml.load(path.read_text())
        for section, values in sections.items():
            settings[section].update(values)
        with path.open("w") as file:
            yaml.dump(settings, file)

    def revert(self) -> None:
        """Put the committed params.yaml back. (`git checkout` may overlook an edit in the second in which the
        file was written: DVC writes Git's index anew, and Git then takes the file for an old one.)"""
        (self.path / "params.yaml").write_text(self.run("git", "show", "HEAD:params.yaml"))

    def search(self, **ranges: tuple[float, float]) -> None:
        """Edit ranges of the space."""
        space = {
            name: {"distribution": "log_uniform", "low": a, "high": b} for name, (a, b) in ranges.items()
        }
        yaml = YAML().load((self.path / "params.yaml").read_text())
        self.edit(search={"space": {**yaml["search"]["space"], **space}})

    def names(self) -> set[str]:
        """The trials that today's settings ask for."""
        paths = [self.path / "params.yaml"]
        paths += sorted([*self.path.glob("src/zdl/**/*.py"), *self.path.glob("results/trials/rounds/*")])
        key = hashlib.sha256(b"\0".join(path.read_bytes() for path in paths)).digest()
        if key not in KNOWN:
            code = "from zdl.pipeline.paths import Paths; print(*Paths.of().names)"
            KNOWN[key] = frozenset(self.run("python", "-c", code).split())
        return set(KNOWN[key])

    def logged(self) -> list[str]:
        """What was trained since one of the next three was last asked."""
        return sorted(self.log.read_text().split()) if self.log.exists() else []

    def trainings(self) -> list[str]:
        """What was trained since this, or one of the next two, was last asked."""
        names = self.logged()
        self.log.unlink(missing_ok=True)
        return names

    def trained(self) -> list[str]:
        """The search's own trials among `trainings`."""
        return [name for name in self.trainings() if not name.startswith("replicate-")]

    def replicated(self) -> list[str]:
        """The repeats of the best among `trainings`."""
        return [name for name in self.trainings() if name.startswith("replicate-")]

    def records(self) -> list[Path]:
        return sorted((self.path / "results/trials").glob("*.json"))

    def rounds(self) -> list[Path]:
        return sorted((self.path / "results/trials/rounds").iterdir())

    def files(self) -> set[str]:
        """The project's files, less what each machine keeps for itself."""
        own = {".git", ".dvc", ".zdl", ".snakemake", "logs", "benchmarks", "__pycache__"}
        paths = (path.relative_to(self.path) for path in self.path.rglob("*") if path.is_file())
        paths = (path for path in paths if path.parts[:2] != ("results", "ready"))  # on their way
        return {str(path) for path in paths if not own & {*path.parts}}

    def reports(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in sorted((self.path / "reports").iterdir())}


of_the_book = pytest.mark.skipif(
    YAML(typ="safe").load(PARAMS) != YAML(typ="safe").load(ROOT / "params.yaml"),
    reason="another search is in params.yaml",
)


def steps() -> dict[str, dict]:
    """The stages of dvc.yaml, in order."""
    return YAML(typ="safe").load((ROOT / "dvc.yaml").read_text())["stages"]


def tree(folder: Path) -> dict[Path, tuple[int, bytes]]:
    """Every file below a folder with its time stamp and bytes; not the engines' own notes, nor Python's."""
    notes = (".snakemake", ".dvc/tmp", ".git")
    return {
        path: (path.stat().st_mtime_ns, path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file()
        and "__pycache__" not in path.parts
        and not any(path.is_relative_to(folder / note) for note in notes)
    }


def programs(folder: Path, **scripts: str) -> str:
    """A PATH: a folder of shell scripts to find programs in, and then those of the system."""
    folder.mkdir()
    for name, text in scripts.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    return f"{folder}{os.pathsep}{os.defpath}"
