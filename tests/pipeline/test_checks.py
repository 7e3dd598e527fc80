"""What is checked before a run; with both engines, in tests/workflow/test_environment.py."""

import os
from pathlib import Path

import pytest

from zdl import Error
from zdl.pipeline.checks import check_writable


@pytest.fixture
def log(tmp_path, monkeypatch):
    """The log of a run, on which `os.access` finds no permission."""
    monkeypatch.chdir(tmp_path)
    log = Path("logs/trial/0001.log")
    log.parent.mkdir(parents=True)
    log.touch()
    asked = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != log and asked(path, mode))
    return log


def test_a_log_without_permission_is_named(log):
    with pytest.raises(Error, match=r"0001.log: cannot be written to \(needed: write permission\)"):
        check_writable([], ["logs/trial/{name}.log"])


def test_a_log_that_another_run_deletes_meanwhile_is_no_obstacle(log, monkeypatch):
    """Snakemake deletes the logs of the jobs that it starts, and two runs may be at work in one folder."""
    asked = os.access
    monkeypatch.setattr(os, "access", lambda *args: asked(*args) or log.unlink())
    check_writable([], ["logs/trial/{name}.log"])
    assert not log.exists()
