"""What several tests share."""

import contextlib
import gc
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import settings

from tests import warm
from tests.engines import ROOT, Clone, programs, steps

settings.register_profile("zdl", deadline=None)  # a busy machine is no defect
settings.load_profile("zdl")
# As in every step: in several processes, threads of BLAS take three times the processor's time.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
gc.set_threshold(50_000)  # to look for garbage among thousands of tests took a tenth of the time


WARM = pytest.StashKey[contextlib.ExitStack]()


def pytest_configure(config: pytest.Config) -> None:
    """Start the server of `tests.warm`, one for all processes."""
    if sys.platform == "linux" and "ZDL_WARM" not in os.environ and not config.option.collectonly:
        config.stash[WARM] = contextlib.ExitStack()
        folder = config.stash[WARM].enter_context(tempfile.TemporaryDirectory())
        os.environ["ZDL_WARM"] = str(config.stash[WARM].enter_context(warm.server(Path(folder) / "warm")))


def pytest_unconfigure(config: pytest.Config) -> None:
    if WARM in config.stash:
        config.stash[WARM].close()
        del os.environ["ZDL_WARM"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """First those in which engines run, so that no process ends with a long one while the others idle. Tests
    that start from the same clone are spread out: a process waits for a clone that another one makes."""
    groups: dict[str, list[pytest.Item]] = {"learnt": [], "recorded": [], "fresh": [], "": []}
    for item in items:
        names = getattr(item, "fixturenames", ())
        groups[next(name for name in groups if name in names or not name)].append(item)
    rest = groups.pop("")
    groups["recorded"].sort(key=lambda item: "pushed" in item.fixturenames)
    groups["fresh"].sort(key=lambda item: "searched" not in item.fixturenames)
    first = [item for name in ("recorded", "fresh") for item in groups[name][:2]]  # two for each process
    share = {item: place / len(group) for group in groups.values() for place, item in enumerate(group, 1)}
    items[:] = [*first, *(item for item in sorted(share, key=share.__getitem__) if item not in first), *rest]


@pytest.fixture(scope="session")
def shared(tmp_path_factory) -> Path:
    """A folder of all processes in which tests run side by side."""
    base, alone = tmp_path_factory.getbasetemp(), "PYTEST_XDIST_WORKER" not in os.environ
    folder = (base if alone else base.parent) / "once"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def once(shared, tmp_path_factory) -> Callable[[str, Callable[[Path], object]], Clone]:
    """Gives, under a name, the clone that a function makes at a path. Where tests run in several processes,
    one of them makes it, and each gets a copy of its own, with what lies beside the clone."""

    def clone(name: str, make: Callable[[Path], object]) -> Clone:
        whole, done = shared / name, shared / f"{name}.done"
        own = tmp_path_factory.mktemp(name)
        with FileLock(shared / f"{name}.lock"):
            if not done.exists():
                shutil.rmtree(whole, ignore_errors=True)
                whole.mkdir()
                make(whole / "zdl")
                done.touch()
            shutil.copytree(whole, own, symlinks=True, dirs_exist_ok=True)
        return Clone(own / "zdl")

    return clone


@pytest.fixture(scope="session")
def fresh(once) -> Clone:
    """A clone in which nothing has run, but the code was analysed, which takes seconds. (Of this one, and of
    those below, tests change only copies.)"""

    def make(path: Path) -> None:
        Clone.of_this_project(path).analyse()

    return once("fresh", make)


@pytest.fixture(scope="session")
def ready(fresh, once) -> Clone:
    """A clone in which Snakemake has made all that a trial needs, where there is no DVC."""

    def make(path: Path) -> None:
        clone = fresh.copy(path)
        clone.engine("snakemake", "ready", cores=1, **without_dvc(path.parent))

    return once("ready", make)


@pytest.fixture(scope="session")
def searched(ready, once) -> Clone:
    """A clone after `snakemake`, where there is no DVC; the log has what it trained."""

    def make(path: Path) -> None:
        clone = ready.copy(path)
        clone.engine("snakemake", **without_dvc(path.parent))

    return once("searched", make)


NO_DVC = """
import sys
for name in ["dvc", *sys.modules]:
    if name.partition(".")[0] == "dvc":
        sys.modules[name] = None  # to import it is a ModuleNotFoundError
"""


def without_dvc(folder: Path) -> dict[str, str]:
    """Environment variables under which neither a shell nor Python finds DVC."""
    bin_ = os.environ.get("ZDL_WARM", Path(sys.executable).parent)
    commands = {name: f'exec {bin_}/{name} "$@"' for name in ("python", "snakemake")}
    where = programs(folder / "bin", **commands)
    (folder / "start").mkdir()
    (folder / "start/sitecustomize.py").write_text(NO_DVC)
    return {"PATH": where, "PYTHONPATH": f"{folder}/start{os.pathsep}{folder}/zdl/src"}


@pytest.fixture(scope="session")
def recorded(fresh, once) -> Clone:
    """A clone after `dvc repro`, with dvc.lock and reports committed; the log has what it trained."""

    def make(path: Path) -> None:
        clone = fresh.copy(path)
        clone.engine("dvc")
        clone.commit()

    return once("recorded", make)


@pytest.fixture(scope="session")
def pushed(recorded, once) -> Clone:
    """The recorded clone after a run of Snakemake, with a remote that all is pushed to, committed."""

    def make(path: Path) -> None:
        clone = recorded.copy(path)
        clone.engine("snakemake")
        clone.run("dvc", "remote", "add", "--default", "here", str(path.parent / "remote"))
        clone.commit()
        clone.run("dvc", "push")

    return once("pushed", make)


@pytest.fixture(scope="session")
def learnt(pushed, once) -> Clone:
    """The pushed clone after a Bayesian search of two rounds by DVC, committed and pushed; the log has what
    that trained."""

    def make(path: Path) -> None:
        clone = pushed.copy(path)
        clone.edit(search={"method": "bayes"})
        clone.engine("dvc")
        clone.commit()
        clone.run("dvc", "push")

    return once("learnt", make)


@pytest.fixture(scope="session")
def watched(fresh, once) -> Clone:
    """A clone after each step's script, of a Bayesian search of two rounds. Beside it lie the names of what
    ran (`ran`) and of the files that each step wrote (`written.json`)."""
    from tests.pipeline.test_paths import ENTRIES, SHELL  # here alone, with all of zdl that it imports

    def make(path: Path) -> None:
        clone, folder = fresh.copy(path), path.parent / "ran"
        folder.mkdir()
        clone.edit(search={"method": "bayes"})
        env = {
            "ZDL_WATCH": str(folder),
            "ZDL_ENTRIES": " ".join(ENTRIES),
            "ZDL_SHELL": " ".join(SHELL),
            "PYTHONPATH": os.pathsep.join([str(ROOT / "tests/watched"), clone.env["PYTHONPATH"]]),
        }
        written, before = {}, clone.files()
        for name, step in steps().items():
            clone.run(*step["cmd"].split(), **env)
            written[name] = sorted(clone.files() - before)
            before |= {*written[name]}
        (path.parent / "written.json").write_text(json.dumps(written))

    return once("watched", make)


@pytest.fixture
def mnist_files(request: pytest.FixtureRequest) -> Path:
    """The folder with real MNIST files; skips, by name, a test that needs them where there are none."""
    beside = Path(__file__).parents[1] / "../shared/data/mnist"
    folder = Path(os.environ.get("ZDL_TEST_MNIST") or beside).resolve()
    if not folder.is_dir():
        pytest.skip(f"{request.node.name}: no real MNIST files (ZDL_TEST_MNIST names their folder)")
    return folder
