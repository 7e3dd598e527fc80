"""The files of a user that a problem reads: each edit of one is noticed, and what cannot be is refused."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.engines import PARAMS
from zdl import Error
from zdl.config.problem import Problem
from zdl.config.settings import load
from zdl.pipeline import data_files
from zdl.pipeline.paths import Paths
from zdl.problems import book


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """A folder with two files and, in a folder of their own, two more."""
    settings = load(PARAMS)
    monkeypatch.chdir(tmp_path)
    for name in ("wines.csv", "notes.txt", "scans/b.csv", "scans/more/a.csv", "scans/__pycache__/a.pyc"):
        (tmp_path / "problems" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "problems" / name).write_text(name)
    return settings


def reading(*files):
    """The book's problem, if it read these files."""
    module = SimpleNamespace(**{**vars(book), "files": lambda data: files})
    return Problem("book", module)


def listed(*files):
    return [path.as_posix() for path in data_files.list_files(reading(*files), {})]


def test_of_a_folder_all_files_are_read_in_one_order():
    assert listed("problems/wines.csv", "problems/scans") == [
        "problems/wines.csv",
        "problems/scans/b.csv",
        "problems/scans/more/a.csv",
    ]
    assert data_files.list_files(Problem("book", book), {}) == []


@pytest.mark.parametrize("edit", ["change", "add", "rename"])
def test_an_edit_of_a_file_makes_other_names_and_one_of_another_file_does_not(elsewhere, monkeypatch, edit):
    monkeypatch.setattr(Problem, "named", lambda name: reading("problems/scans"))

    def names():
        paths = Paths(elsewhere)
        return [paths.raw.path, paths.prepared.path, paths.split.path]

    before, folder = names(), Path("problems/scans")
    (folder.parent / "notes.txt").write_text("more")
    assert names() == before
    match edit:
        case "change":
            (folder / "b.csv").write_text("other")
        case "add":
            (folder / "c.csv").write_text("")
        case "rename":
            (folder / "b.csv").rename(folder / "c.csv")
    assert not {*names()} & {*before}


@pytest.mark.parametrize("name", ["problems/nowhere.csv", "problems/empty"])
def test_a_file_that_is_not_there_is_named(name):
    Path("problems/empty").mkdir()
    with pytest.raises(Error, match=rf"^{name}: there is no such file \(needed by") as error:
        listed("problems/wines.csv", name)
    assert str(error.value).isprintable()


@pytest.mark.parametrize("name", ["wines.csv", "data/wines.csv", "problems/../wines.csv", "/etc/passwd", "."])
def test_a_file_outside_of_problems_is_refused(name):
    """Neither engine would notice an edit of it."""
    with pytest.raises(Error, match=r": is not a path below problems/ \(needed, so that"):
        listed(name)


def test_a_file_that_is_edited_while_it_is_read_is_not_used():
    expected = data_files.digests(data_files.list_files(reading("problems/wines.csv"), {}))
    assert data_files.contents(expected) == {"problems/wines.csv": b"wines.csv"}
    Path("problems/wines.csv").write_text("other")
    with pytest.raises(Error, match=r"^problems/wines\.csv: was edited while it was read; run again$"):
        data_files.contents(expected)
