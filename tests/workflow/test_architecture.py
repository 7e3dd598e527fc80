"""What docs/architecture.md says: where numbers go, and how few files an extension takes."""

import json
import re
import shutil

import pytest

from tests.engines import ROOT, STEP_BY_STEP, TINY, Clone
from tests.guides import blocks, edited, play

ENGLISH, JAPANESE = (ROOT / f"docs/architecture{language}.md" for language in ("", ".ja"))
NUMBERS = {"One": 1, "one": 1, "two": 2, "three": 3}
SPACE = {
    "lr": {"distribution": "log_uniform", "low": 1e-3, "high": 1e-1},
    "optimizer": {"distribution": "choice", "options": ["signsgd", "momentum"]},
    "noise": {"distribution": "uniform", "low": 0.0, "high": 0.5},
}


def recipes():
    """The sections of "Extending it": how many files each promises, and its text."""
    text = ENGLISH.read_text("utf-8").partition("\n## Extending it\n")[2]
    return dict(re.findall(r"^### (.*?)\n(.*?)(?=^### |\Z)", text, re.M | re.S))


@pytest.mark.parametrize("head", recipes())
def test_an_extension_takes_as_few_files_as_it_promises(head):
    promised = NUMBERS[re.search(r": (\w+) files?$", head)[1]]
    assert len(edited(recipes()[head])) == promised <= 3


def test_a_number_passes_through_at_most_four_files():
    text = ENGLISH.read_text("utf-8")
    for name in ("lr", "val_acc"):
        steps = re.search(rf"^`{name}`, .*:\n\n((?:\d\. .*\n)+)", text, re.M)[1]
        files = re.findall(r"^\d\. `(\S+?)`", steps, re.M)
        assert len(files) == steps.count("\n") <= 4
        assert all((ROOT / file).is_file() for file in files)
        for file in files[1:-1]:  # each file has the definition that the step names
            names = re.search(rf"`{re.escape(file)}`: `(\w+)`", steps)
            assert names is None or f"def {names[1]}(" in (ROOT / file).read_text()


def test_the_packages_are_in_the_order_that_is_checked():
    layers = re.search(r"^layers = (\[.*\])$", (ROOT / "pyproject.toml").read_text(), re.M)[1]
    picture = re.findall(r"^ (\w+)  ", blocks_of_packages(), re.M)
    assert picture == json.loads(layers)


def blocks_of_packages():
    return re.search(r"^```\n(.*?)^```$", ENGLISH.read_text("utf-8"), re.M | re.S)[1].partition("---\n")[2]


def test_both_languages_have_the_same_code():
    assert blocks(ENGLISH.read_text("utf-8")) == blocks(JAPANESE.read_text("utf-8"))


def test_every_extension_works(tmp_path):
    clone = Clone.of_this_project(tmp_path / "zdl", **TINY)
    play(ENGLISH.read_text("utf-8"), clone)
    clone.edit(search={"method": "kronecker", "space": SPACE})
    clone.run("python", "workflow/scripts/schema.py")
    clone.run("python", "-c", STEP_BY_STEP)
    schema = (clone.path / "workflow/schemas/params.schema.yaml").read_text()
    assert all(name in schema for name in ("signsgd", "noise:", "kronecker"))
    ranking = (clone.path / "reports/ranking.csv").read_text()
    assert "signsgd" in ranking and "momentum" in ranking
    assert (clone.path / "reports/overfitting.png").read_bytes().startswith(b"\x89PNG")
    assert "Trials that recognised every training image: 0 trials." in (
        clone.path / "reports/README.md"
    ).read_text("utf-8")
    assert "訓練画像をすべて正しく分類した試行：0個。" in (clone.path / "reports/README.ja.md").read_text(
        "utf-8"
    )
    if (ROOT / ".mypy_cache").exists():  # with which mypy takes a second, and not ten
        shutil.copytree(ROOT / ".mypy_cache", clone.path / ".mypy_cache")
    clone.run("mypy")
