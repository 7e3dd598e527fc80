"""What several tests share."""

import fcntl
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from tests.engines import Clone, programs

settings.register_profile("zdl", deadline=None)  # a busy machine is no defect
settings.load_profile("zdl")
# As in every step: in several processes, threads of BLAS take three times the processor's time.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """First those in which engines run, so that no process ends with a long one while the others idle."""
    items.sort(key=lambda item: "once" not in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session")
def once(tmp_path_factory) -> Callable[[str, Callable[[Path], object]], Clone]:
    """Gives, under a name, the clone that a function makes at a path. Of the processes in which tests run
    side by side one makes it, and each gets a copy for itself, with what lies beside the clone."""
    base, alone = tmp_path_factory.getbasetemp(), "PYTEST_XDIST_WORKER" not in os.environ
    folder = (base if alone else base.parent) / "once"
    folder.mkdir(exist_ok=True)

    def clone(name: str, make: Callable[[Path], object]) -> Clone:
        whole, done = folder / name, folder / f"{name}.done"
        own = tmp_path_factory.mktemp(name)
        with open(folder / f"{name}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
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
    """A clone in which nothing has run. (Of this one, and of the next, tests change only copies.)"""
    return once("fresh", Clone.of_this_project)


@pytest.fixture(scope="session")
def made(fresh, once) -> Clone:
    """A clone after `snakemake`, to which there was no DVC; its log says what was trained."""

    def make(path: Path) -> None:
        clone, beside = fresh.copy(path), path.parent
        bin_ = Path(sys.executable).parent
        commands = {name: f'exec {bin_}/{name} "$@"' for name in ("python", "snakemake")}
        where = programs(beside / "bin", **commands)
        (beside / "dvc.py").write_text("raise ModuleNotFoundError('dvc')")
        clone.engine("snakemake", PATH=where, PYTHONPATH=f"{clone.path}/src{os.pathsep}{beside}")

    return once("made", make)


@pytest.fixture(scope="session")
def recorded(fresh, once) -> Clone:
    """A clone after `dvc repro`, with dvc.lock and reports committed; its log says what was trained."""

    def make(path: Path) -> None:
        clone = fresh.copy(path)
        clone.engine("dvc")
        clone.commit()

    return once("recorded", make)


@pytest.fixture
def mnist_files(request: pytest.FixtureRequest) -> Path:
    """The folder with real MNIST files; skips, by name, a test that needs them where there are none."""
    beside = Path(__file__).parents[1] / "../shared/data/mnist"
    folder = Path(os.environ.get("ZDL_TEST_MNIST") or beside).resolve()
    if not folder.is_dir():
        pytest.skip(f"{request.node.name}: no real MNIST files (ZDL_TEST_MNIST names their folder)")
    return folder
