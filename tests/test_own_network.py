"""The guide to a network and a data set of one's own, played word for word in a clone."""

import json
import re
from contextlib import contextmanager

import numpy as np
import pytest

from tests.workflow import ROOT, TINY, Clone
from zdl import kinds, trial
from zdl.network import MultiLayerNet
from zdl.optimizers import make
from zdl.trainer import Trainer

ENGLISH, JAPANESE = ROOT / "docs/your-own-network.md", ROOT / "docs/your-own-network.ja.md"
SPACE = {
    "lr": {"distribution": "log_uniform", "low": 1e-3, "high": 1e-1},
    "weight_decay": {"distribution": "log_uniform", "low": 1e-8, "high": 1e-4},
}
SMALL = {  # TINY, and enough of a training to learn something
    **TINY,
    "data": {"source": "bundled", "subsample": 200},
    "training": {"epochs": 10, "batch_size": 20, "optimizer": "adam"},
    "search": {**TINY["search"], "trials": 5, "space": SPACE},
    "confirm": {"trials": 1, "repeats": 1},
}


def sections(guide):
    """The fenced blocks of each section of a guide, as (language, text)."""
    parts = re.split(r"^## .*\n", guide.read_text(encoding="utf-8"), flags=re.M)
    return [re.findall(r"^```(\w+)\n(.*?)^```$", part, re.M | re.S) for part in parts]


_, _, NETWORK, DATA, _ = sections(ENGLISH)


def play(blocks, clone):
    """Do what blocks say: write their files, make their edits, run their commands. Gives what those said."""
    said = {}
    for language, text in blocks:
        if language == "console":
            for command in re.findall(r"^\$ (.*)$", text, re.M):
                said[command] = clone.run("bash", "-c", command)
        elif language == "diff":
            for path, lines in re.findall(r"^@@ (\S+)\n((?:[ +-].*\n)+)", text, re.M):
                replace(clone.path / path, lines)
        else:
            path = clone.path / re.match(r"# (\S+)\n", text)[1]
            assert not path.exists()
            path.write_text(text, encoding="utf-8")
    return said


def replace(path, lines):
    old, new = ("".join(re.findall(rf"^[ {mark}](.*\n)", lines, re.M)) for mark in "-+")
    text = "\n" + path.read_text(encoding="utf-8")
    assert text.count("\n" + old) == 1, f"{path}: has not exactly once\n{old}"
    path.write_text(text.replace("\n" + old, "\n" + new)[1:], encoding="utf-8")


def trials(clone):
    """The trials of today's search: their points, by their names."""
    code = """if True:
        import json
        from zdl.layout import Layout
        print(json.dumps({trial.name: trial.point for trial in Layout.of().first}))"""
    return json.loads(clone.run("python", "-c", code))


def would_run(said):
    return re.findall(r"^trial (\S+):", said, re.M)


@pytest.fixture
def clone(tmp_path):
    return Clone.of_this_project(tmp_path / "zdl", **SMALL)


def test_both_languages_have_the_same_blocks():
    assert sections(JAPANESE) == sections(ENGLISH)
    assert len(NETWORK) > 5 and len(DATA) > 3


def test_a_data_set_needs_no_network_of_ones_own(clone):
    before = trials(clone)
    *edits, _ = DATA
    play(edits, clone)
    after = trials(clone)
    assert list(after.values()) == list(before.values()) and not after.keys() & before.keys()
    clone.run("pytest", "-q", "tests/test_settings.py", "-k", "agree")


def test_the_guide_played_word_for_word(clone):
    before = trials(clone)
    *edits, run = NETWORK
    play(edits, clone)
    said, network = play([run], clone), trials(clone)
    assert would_run(said["snakemake -n"]) == sorted(network) and not network.keys() & before.keys()
    for old, new in zip(before.values(), network.values(), strict=True):
        assert new.items() > old.items() and 0 <= new["residual_scale"] <= 1
    code = clone.path / "src/zdl/residual.py"
    text = code.read_text()
    code.write_text(text.replace("self.scale * self.activation", "-self.scale * self.activation"))
    assert not network.keys() & trials(clone).keys()  # an edit of the network is another network
    code.write_text(text)

    *edits, run = DATA
    play(edits, clone)
    said, data = play([run], clone), trials(clone)
    assert would_run(said["snakemake -n"]) == sorted(data) == clone.trained()  # by either engine, once each
    assert not data.keys() & network.keys() and list(data.values()) == list(network.values())
    for path in clone.records():
        record = json.loads(path.read_text())
        assert record["spec"]["config"]["residual_scale"] == data[path.stem]["residual_scale"]
    metrics = json.loads((clone.path / "reports/metrics.json").read_text())
    assert metrics["best"]["val_acc"] > 0.5  # by chance: 0.1
    (confirmed,) = (clone.path / "results/confirmed").iterdir()
    (repeat,) = json.loads(confirmed.read_text())["repeats"]
    assert len(repeat["outcome"]["held_out"]["taken_for"]) == 2 * 500  # in hexadecimal
    assert metrics["best"]["residual_scale"] in [point["residual_scale"] for point in data.values()]

    scale = {"distribution": "uniform", "low": 0.0, "high": 0.7}
    clone.edit(search={"space": {**SPACE, "residual_scale": scale}})
    moved = [name for name in sorted(trials(clone)) if name not in data]
    assert would_run(clone.run("snakemake", "-n")) == moved
    assert 0 < len(moved) == sum(point["residual_scale"] > 0.7 for point in data.values()) < len(data)
    clone.run("ruff", "check")
    clone.run("ruff", "format", "--check")


class Listed:
    """A network of which only those members can be had that the guide's table lists."""

    def __init__(self, network):
        table = ENGLISH.read_text(encoding="utf-8").partition("| member |")[2].partition("\n\n")[0]
        self.names = re.findall(r"^\| `(\w+)", table, re.M)
        self.network = network

    def __getattr__(self, name):
        assert name in self.names, name
        return getattr(self.network, name)

    @contextmanager
    def lit_inputs(self, *images):
        yield images


def test_the_trainer_asks_of_a_network_what_the_guide_lists():
    rng = np.random.default_rng(1)
    x, t = rng.random((12, 5)), rng.integers(3, size=12)
    losses = []
    for kind in (Listed, lambda network: network):
        network = kind(MultiLayerNet(5, [4], 3, rng=np.random.default_rng(2)))
        how = {"epochs": 3, "batch_size": 4, "optimizer": make("adam"), "rng": np.random.default_rng(3)}
        history = Trainer(network, x, t, x, t, **how).train()
        losses.append(history.loss)
    assert history.status == "finished"
    np.testing.assert_allclose(*losses)


def test_there_are_as_many_classes_in_a_trial_as_in_its_data():
    assert trial.CLASSES == kinds.CLASSES
