"""What several tests share."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

from tests.workflow import Clone

settings.register_profile("zdl", deadline=None)  # a busy machine is no defect
settings.load_profile("zdl")


@pytest.fixture(scope="session")
def fresh(tmp_path_factory) -> Clone:
    """A clone in which nothing has run. (Of this one, and of the next, tests change only copies.)"""
    return Clone.of_this_project(tmp_path_factory.mktemp("fresh") / "zdl")


@pytest.fixture(scope="session")
def recorded(fresh, tmp_path_factory) -> Clone:
    """A clone after `dvc repro`, with dvc.lock and reports committed."""
    clone = fresh.copy(tmp_path_factory.mktemp("recorded") / "zdl")
    clone.engine("dvc")
    clone.commit()
    clone.trainings()
    return clone


@pytest.fixture
def mnist_files(request: pytest.FixtureRequest) -> Path:
    """The folder with real MNIST files; skips, by name, a test that needs them where there are none."""
    beside = Path(__file__).parents[1] / "../shared/data/mnist"
    folder = Path(os.environ.get("ZDL_TEST_MNIST") or beside).resolve()
    if not folder.is_dir():
        pytest.skip(f"{request.node.name}: no real MNIST files (ZDL_TEST_MNIST names their folder)")
    return folder
