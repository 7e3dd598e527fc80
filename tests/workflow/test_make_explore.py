"""`make explore`: a page of this search's results, or one line that says what is missing."""

import json
import re

import pytest

from tests.engines import tree

COMMAND = ("python", "workflow/scripts/explore.py")


@pytest.fixture
def clone(searched, tmp_path):
    return searched.copy(tmp_path / "zdl")


def test_the_page_has_every_trial_and_nothing_else_changes(clone):
    before = tree(clone.path)
    assert clone.run(*COMMAND) == "explore.html: open it in a browser (it needs no network)\n"
    page = clone.path / "explore.html"
    assert {path: file for path, file in tree(clone.path).items() if path != page} == before
    assert "explore.html" not in clone.run("git", "status", "--porcelain", "--untracked-files=all")
    text = page.read_text("utf-8")
    assert not re.search(r"(src|href)=|@import|url\(", text)
    data = json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)[1])
    confirmed = (clone.path / "reports/confirmed.csv").read_text().splitlines()[1:]
    assert len(data["trials"]) == len(clone.names())
    assert {*data["replicates"]} == {line.split(",")[1] for line in confirmed}


@pytest.mark.parametrize("folder", ["results/table", "results/replicates", "data/held_out"])
def test_what_is_missing_is_named_with_what_makes_it(clone, folder):
    path = min((clone.path / folder).iterdir())
    path.unlink()
    said = clone.run(*COMMAND, ok=False)
    assert said.startswith(f"{folder}/{path.name}: ") and "`make run`" in said and said.count("\n") == 1
    assert not (clone.path / "explore.html").exists()
