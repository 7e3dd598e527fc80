"""What DVC's stages depend on, held against what the files that they make are named by."""

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from zdl import layout, plan
from zdl.layout import Layout

ROOT = Path(__file__).resolve().parent.parent
STAGES = YAML(typ="safe").load((ROOT / "dvc.yaml").read_text())["stages"]
MADE = {  # of the layout, by each stage whose files are named by code
    "prepare": "prepared",
    "split": "split",
    "plan": "plan",
    "aggregate": "table",
    "confirmations": "confirmed",
    "baseline": "baseline",
    "rank": "ranked",
    "weights": "weighted",
    "render": "rendered",
}


def code(stage, monkeypatch):
    """The parts of zdl that the files of a stage are named by, those of earlier stages included."""
    asked = set()
    with monkeypatch.context() as patch:
        for module in (layout, plan):
            patch.setattr(module, "code_digest", lambda *names: asked.update(names) or "")
        getattr(Layout.of(ROOT / "params.yaml"), MADE[stage])
    return asked


def deps(stage):
    return set(STAGES[stage].get("deps", ()))


def earlier(stage):
    """The stages whose outputs a stage depends on, directly or not."""
    outs = {name: {path for out in its.get("outs", ()) for path in out} for name, its in STAGES.items()}
    direct = {name for name in STAGES if outs[name] & deps(stage)}
    return direct.union(*map(earlier, direct))


@pytest.mark.parametrize("stage", MADE)
def test_a_stage_depends_on_all_code_that_its_files_are_named_by(stage, monkeypatch):
    """Otherwise DVC leaves it as it is after an edit of that code, and a later stage finds no file of that
    name."""
    known = (code(name, monkeypatch) for name in earlier(stage) & MADE.keys())
    new = code(stage, monkeypatch).difference(*known)
    modules = {f"src/zdl/{name.split('.')[0]}".removesuffix("/") for name in new}
    missing = {module for module in modules if not deps(stage) & {"src/zdl", module, f"{module}.py"}}
    assert not missing


@pytest.mark.parametrize("stage", MADE)
def test_a_stage_depends_on_the_libraries_that_its_files_are_named_by(stage, monkeypatch):
    asked = []
    monkeypatch.setattr(layout, "version", lambda name: asked.append(name) or "")
    getattr(Layout.of(ROOT / "params.yaml"), MADE[stage])
    assert not asked or "requirements.lock" in deps(stage)
