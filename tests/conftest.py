"""What several tests share."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("zdl", deadline=None)  # a busy machine is no defect
settings.load_profile("zdl")


@pytest.fixture
def mnist_files(request: pytest.FixtureRequest) -> Path:
    """The folder with real MNIST files; skips, by name, a test that needs them where there are none."""
    beside = Path(__file__).parents[1] / "../shared/data/mnist"
    folder = Path(os.environ.get("ZDL_TEST_MNIST") or beside).resolve()
    if not folder.is_dir():
        pytest.skip(f"{request.node.name}: no real MNIST files (ZDL_TEST_MNIST names their folder)")
    return folder
