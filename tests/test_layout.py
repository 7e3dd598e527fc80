"""What DVC's stages depend on, held against what the files that they make are named by."""

import sys
from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML

from zdl import Error, layout, plan
from zdl.kinds import PIXELS
from zdl.layout import Layout
from zdl.trial import CODE, Trial, train

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


def test_a_trial_is_named_by_all_code_that_trains_it():
    """Otherwise an edit of that code trains nothing, and today's trials are told by yesterday's records."""
    spec = Layout.of(ROOT / "params.yaml").first[0].spec
    trial = Trial(0, {}, {**spec, "config": {**spec["config"], "epochs": 2, "batch_size": 2}})
    x, t = np.ones((4, PIXELS), np.float32), np.zeros(4, np.uint8)
    split = {"x_train": x, "t_train": t, "x_val": x, "t_val": t}
    ran = set()
    sys.setprofile(lambda frame, *_: ran.add(frame.f_globals["__name__"]))
    try:
        train(trial, split)
    finally:
        sys.setprofile(None)
    modules = {name.removeprefix("zdl.") for name in ran if name.startswith("zdl.")}
    assert "trainer" in modules and modules <= set(CODE)


def test_other_classes_in_a_trial_than_in_its_data_are_refused(monkeypatch):
    monkeypatch.setattr("zdl.trial.CLASSES", 3)
    with pytest.raises(Error, match=r"zdl\.trial\.CLASSES: 3 \(zdl\.kinds\.CLASSES: \d+; "):
        Layout.of(ROOT / "params.yaml")


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
