"""The guide to your own network and data set: its blocks and commands run in a clone, word for word."""

import json
import re
import types

import numpy as np
import pytest

from tests.engines import ROOT, STEP_BY_STEP, TINY, Clone
from zdl.nn.layers import softmax
from zdl.nn.network import MultiLayerNet, numerical_gradient
from zdl.nn.optimizers import make
from zdl.nn.trainer import Trainer

ENGLISH, JAPANESE = ROOT / "docs/your-own-network.md", ROOT / "docs/your-own-network.ja.md"
SPACE = {
    "lr": {"distribution": "log_uniform", "low": 1e-3, "high": 1e-1},
    "weight_decay": {"distribution": "log_uniform", "low": 1e-8, "high": 1e-4},
}
SMALL = {  # TINY, with enough training to learn something
    **TINY,
    "data": {"source": "bundled", "subsample": 200},
    "training": {"epochs": 10, "batch_size": 20, "optimizer": "adam"},
    "search": {**TINY["search"], "trials": 5, "space": SPACE},
    "replicate": {"trials": 1, "replicates": 1},
}


def sections(guide):
    """The fenced blocks of each section of a guide, as (language, text)."""
    parts = re.split(r"^## .*\n", guide.read_text(encoding="utf-8"), flags=re.M)
    return [re.findall(r"^```(\w+)\n(.*?)^```$", part, re.M | re.S) for part in parts]


_, _, NETWORK, DATA, _ = sections(ENGLISH)


def play(blocks, clone):
    """Write the files of blocks, make their edits, run their commands. Returns the output of each command."""
    output = {}
    for language, text in blocks:
        if language == "console":
            for command in re.findall(r"^\$ (.*)$", text, re.M):
                output[command] = clone.run("bash", "-c", command)
        elif language == "diff":
            for path, lines in re.findall(r"^@@ (\S+)\n((?:[ +-].*\n)+)", text, re.M):
                replace(clone.path / path, lines)
        else:
            path = clone.path / re.match(r"# (\S+)\n", text)[1]
            assert not path.exists()
            path.write_text(text, encoding="utf-8")
    return output


def replace(path, lines):
    old, new = ("".join(re.findall(rf"^[ {mark}](.*\n)", lines, re.M)) for mark in "-+")
    text = "\n" + path.read_text(encoding="utf-8")
    assert text.count("\n" + old) == 1, f"{path}: does not have exactly once:\n{old}"
    path.write_text(text.replace("\n" + old, "\n" + new)[1:], encoding="utf-8")


def trials(clone):
    """The trials of the current search: their points, by their names."""
    code = """if True:
        import json
        from zdl.pipeline.paths import Paths
        print(json.dumps({trial.name: trial.point for trial in Paths.of().first}))"""
    return json.loads(clone.run("python", "-c", code))


def would_run(dry_run):
    return re.findall(r"^trial (\S+):", dry_run, re.M)


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
    clone.run("pytest", "-q", "tests/config/test_hyperparameters.py", "-k", "not entry")


def test_a_data_set_of_three_classes_comes_to_a_page(clone):
    """After the mistakes that the guide mentions, each of which gives one line."""
    *edits, _ = DATA
    play(edits, clone)
    data, schemas = (clone.path / f"src/zdl/{name}.py" for name in ("data/digits", "artifacts/schemas"))
    text = re.sub(r"PINNED = \{.*?\n\}", "PINNED = {}", data.read_text(), flags=re.S)
    data.write_text(text.replace("t.astype(np.uint8)", "(t % 3).astype(np.uint8)"))
    script = ["python", "workflow/scripts/download.py"]
    *_, line = clone.run(*script, ok=False).splitlines()
    digests = re.fullmatch(r".* not those of PINNED, but (\{.*\})", line)[1]
    data.write_text(data.read_text().replace("PINNED = {}", f"PINNED = {digests}"))
    schemas.write_text(schemas.read_text().replace("CLASSES = 10", "CLASSES = 2"))
    *_, line = clone.run(*script, ok=False).splitlines()
    assert line == "labels: up to 2 (zdl.artifacts.schemas.CLASSES: 2, so up to 1)"
    schemas.write_text(schemas.read_text().replace("CLASSES = 2", "CLASSES = 3"))
    clone.run("python", "-c", STEP_BY_STEP)
    page = (clone.path / "reports/README.md").read_text()
    digit, taken_for = re.search(r"is\s+to\s+take\s+(\d)\s+for\s+(\d):", page).groups()
    assert digit != taken_for and {digit, taken_for} < set("012")


def test_the_guide_played_word_for_word(clone):
    before = trials(clone)
    *edits, run = NETWORK
    play(edits, clone)
    output, network = play([run], clone), trials(clone)
    assert would_run(output["snakemake -n"]) == sorted(network) and not network.keys() & before.keys()
    for old, new in zip(before.values(), network.values(), strict=True):
        assert new.items() > old.items() and 0 <= new["residual_scale"] <= 1
    code = clone.path / "src/zdl/nn/residual.py"
    text = code.read_text()
    code.write_text(text.replace("self.scale * self.activation", "-self.scale * self.activation"))
    assert not network.keys() & trials(clone).keys()  # an edit of the network is another network
    code.write_text(text)

    *edits, run = DATA
    play(edits, clone)
    output, data = play([run], clone), trials(clone)
    assert would_run(output["snakemake -n"]) == sorted(data) == clone.trained()  # by either engine, once each
    assert not data.keys() & network.keys() and list(data.values()) == list(network.values())
    for path in clone.records():
        record = json.loads(path.read_text())
        assert record["spec"]["config"]["residual_scale"] == data[path.stem]["residual_scale"]
    for page in (clone.path / "reports").glob("*.md"):
        assert "MNIST" not in page.read_text() and "optdigits" in page.read_text()
    metrics = json.loads((clone.path / "reports/metrics.json").read_text())
    assert metrics["best"]["val_acc"] > 0.5  # by chance: 0.1
    (confirmed,) = (clone.path / "results/replicates").iterdir()
    record = json.loads(confirmed.read_text())["replicate"]
    assert len(record["outcome"]["held_out"]["taken_for"]) == 2 * 500  # in hexadecimal
    assert metrics["best"]["residual_scale"] in [point["residual_scale"] for point in data.values()]

    scale = {"distribution": "uniform", "low": 0.0, "high": 0.7}
    clone.edit(search={"space": {**SPACE, "residual_scale": scale}})
    moved = [name for name in sorted(trials(clone)) if name not in data]
    assert would_run(clone.run("snakemake", "-n")) == moved
    assert 0 < len(moved) == sum(point["residual_scale"] > 0.7 for point in data.values()) < len(data)
    clone.run("ruff", "check")
    clone.run("ruff", "format", "--check")


class Listed:
    """A network that has only the members in the guide's table, and notes which of them are used."""

    def __init__(self, network):
        table = ENGLISH.read_text(encoding="utf-8").partition("| member |")[2].partition("\n\n")[0]
        self.names = re.findall(r"^\| `(\w+)", table, re.M)
        self.network, self.used = network, set()

    def __getattr__(self, name):
        assert name in self.names, name
        self.used.add(name)
        return getattr(self.network, name)


def test_the_trainer_uses_what_the_guide_lists():
    rng = np.random.default_rng(1)
    x, t = rng.random((12, 5)), rng.integers(3, size=12)
    losses = []
    networks = [MultiLayerNet(5, [4], 3, rng=np.random.default_rng(2)) for _ in range(2)]
    listed = Listed(networks[0])
    for network in (listed, networks[1]):
        rng = np.random.default_rng(3)
        trainer = Trainer(network, x, t, x, t, epochs=3, batch_size=4, optimizer=make("adam"), rng=rng)
        history = trainer.train()
        losses.append(history.loss)
    assert history.status == "finished"
    np.testing.assert_allclose(*losses)
    assert listed.used == set(listed.names)


@pytest.fixture(scope="module")
def dropout():
    """The module that the guide shows."""
    (text,) = [text for _, text in NETWORK if text.startswith("# src/zdl/nn/dropout.py")]
    module = types.ModuleType("dropout")
    exec(text, vars(module))
    return module


def dropping(dropout, seed=2):
    return dropout.DropoutNet(5, [400, 400], 3, dropout=0.4, rng=np.random.default_rng(seed))


def test_dropout_drops_in_training_alone(dropout):
    x = np.random.default_rng(1).random((12, 5))
    network, plain = dropping(dropout), MultiLayerNet(5, [400, 400], 3, rng=np.random.default_rng(2))
    scores = plain.predict(x)
    t = scores.argmax(axis=1)
    for _ in range(2):
        assert network.accuracy(x, t) == 1
        assert network.loss(x, t) == pytest.approx(plain.loss(x, t))
        loss, _ = network.loss_and_gradient(x, t)
        assert loss != pytest.approx(plain.loss(x, t), rel=1e-3)
        assert (np.abs(network.last_layer.y - softmax(scores)) > 1e-3).mean() > 0.9
        for layer in network.dropping:
            assert (layer.mask == 0).mean() == pytest.approx(0.4, abs=0.05)
            assert layer.mask.mean() == pytest.approx(1, abs=0.05)
    np.testing.assert_allclose(network.predict(x), scores)


def test_the_gradient_of_dropout_is_the_numeric_one(dropout):
    rng = np.random.default_rng(1)
    x, t = rng.random((4, 5)), rng.integers(3, size=4)
    network = dropout.DropoutNet(5, [6, 6], 3, dropout=0.4, rng=rng)

    def training():
        for seed, layer in enumerate(network.dropping):
            layer.rng = np.random.default_rng(seed)  # drops the same each time
        return network.loss_and_gradient(x, t)

    _, gradient = training()
    for key, p in network.params.items():
        numeric = numerical_gradient(lambda _: training()[0], p)
        np.testing.assert_allclose(gradient[key], numeric, atol=1e-6, err_msg=key)
