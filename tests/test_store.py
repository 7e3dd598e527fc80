"""Records, the plan that names them, and receipts: without an engine."""

import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from zdl import Error, store
from zdl.files import File, read_json, sealed_json, sealed_npz, write
from zdl.kinds import PIXELS
from zdl.layout import Layout
from zdl.plan import lines, trials
from zdl.settings import load
from zdl.store import mend, planned
from zdl.trial import CODE, Trial, _images

SPLIT = "5" * 64


@pytest.fixture
def search(tmp_path, monkeypatch):
    """Three trials of a tiny network on 30 images, planned; in a directory of their own."""
    settings = load()
    settings["model"]["hidden_sizes"] = [4]
    settings["training"].update(epochs=2, batch_size=10)
    settings["search"]["trials"] = 3
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZDL_TRAININGS", "trainings")
    rng = np.random.default_rng(0)
    x, t = rng.random((30, PIXELS)).astype(np.float32), rng.integers(10, size=30).astype(np.uint8)
    write(
        f"data/split/{SPLIT[:12]}.npz",
        sealed_npz({"x_train": x[5:], "t_train": t[5:], "x_val": x[:5], "t_val": t[:5]}, SPLIT),
    )
    write("plan.json", sealed_json({"digest": "d", **lines(trials(settings, SPLIT))}))
    return trials(settings, SPLIT)


def trainings(tmp_path):
    path = tmp_path / "trainings"
    return Counter(path.read_text().split()) if path.exists() else Counter()


def test_trials_are_found_by_their_names(search, tmp_path):
    names = [search[2].name, search[0].name]
    assert [trial.spec for trial in planned(tmp_path / "plan.json", names)] == [
        search[2].spec,
        search[0].spec,
    ]
    for wrong in ("0", "x", search[0].name[:-1], ""):
        with pytest.raises(Error, match=f"trial {wrong}: is not in"):
            planned(tmp_path / "plan.json", [*names, wrong])


@pytest.mark.parametrize(
    ("what", "other", "line"),
    [
        ("numpy", "1.26.4", f"NumPy's version is {np.__version__}, but 1.26.4 in plan.json"),
        (
            "code",
            "0" * 64,
            f"the digest of zdl's code is .*, but {'0' * 12} in plan.json; if",
        ),
    ],
)
def test_a_plan_that_was_made_elsewhere_trains_nothing_here(search, what, other, line):
    plan = Path("plan.json")
    specs = {trial.name: {**trial.spec, what: other} for trial in search}
    foreign = [Trial(trial.number, trial.point, specs[trial.name]) for trial in search]
    store.check_fit([plan])
    own = Path("own.json")
    own.write_bytes(plan.read_bytes())
    write(plan, sealed_json({"digest": "d", **lines(foreign)}))
    store.check_fit([plan, own])  # a rival's does no harm
    with pytest.raises(Error, match=line):
        planned(plan, [foreign[0].name])
    with pytest.raises(Error, match=line):
        store.check_fit([plan])


def test_a_record_says_what_came_of_it(search):
    store.obtain(search[1])
    record = read_json(search[1].record, search[1].digest)
    outcome = record["outcome"]
    assert record["trial"] == 1 and outcome["status"] == "finished"
    assert len(outcome["loss"]) == 5  # 2 epochs of 25 / 10 updates
    assert len(outcome["curve"]["val_correct"]) == 2
    hits = np.unpackbits(np.frombuffer(bytes.fromhex(outcome["curve"]["val_hits"]), np.uint8))[:5]
    assert hits.sum() == outcome["curve"]["val_correct"][-1]
    assert all(loss == float(f"{loss:.4g}") for loss in outcome["loss"])


def test_what_was_trained_once_is_restored(search, tmp_path):
    first = search[0]
    store.obtain(first)
    data = first.record.read_bytes()
    first.record.unlink()
    store.obtain(first)  # from the store
    assert first.record.read_bytes() == data and trainings(tmp_path) == {first.name: 1}
    (store.KEPT / first.record.name).write_bytes(data[:-1])
    store.obtain(first)  # from its place, since the store's copy is damaged
    assert first.record.read_bytes() == data and trainings(tmp_path) == {first.name: 1}
    for copy in (first.record, store.KEPT / first.record.name):
        copy.write_bytes(data.replace(b"finished", b"diverged"))
    store.obtain(first)  # both are damaged
    assert first.record.read_bytes() == data and trainings(tmp_path) == {first.name: 2}


def test_more_trials_are_made_as_long_as_there_is_time(search, tmp_path):
    answers = iter([True, True, False])
    store.obtain_some(search, lambda: next(answers))
    assert store.missing(search) == [search[2].record]
    assert trainings(tmp_path) == {search[0].name: 1, search[1].name: 1}


def test_what_is_there_or_in_the_making_is_left_to_others(search, tmp_path):
    store.obtain(search[0])
    hold = "from zdl import store\nwith store._lock(1): print('held', flush=True); input()"
    holder = subprocess.Popen(
        [sys.executable, "-c", hold],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert holder.stdout.readline() == "held\n"
        store.obtain_some(search, lambda: True)
        assert store.missing(search) == [search[1].record]
        with pytest.raises(BlockingIOError):
            store.obtain(search[1], wait=False)
    finally:
        holder.communicate("\n")
    store.obtain_some(search, lambda: True)
    assert not store.missing(search)
    assert trainings(tmp_path) == {trial.name: 1 for trial in search}


def test_a_trial_that_cannot_be_made_fails_nobody_else_s_process(search, tmp_path):
    search[1].split.unlink()
    _images.cache_clear()
    store.obtain_some(search, lambda: True)
    assert store.missing(search) == [trial.record for trial in search]
    with pytest.raises(Error, match="cannot be read"):
        store.obtain(search[1])


def test_records_of_other_searches_move_to_the_store_and_can_be_pruned(search):
    for trial in search:
        store.obtain(trial)
    store.keep_only([search[0].record])
    assert [path.stem for path in search[0].record.parent.iterdir()] == [search[0].name]
    assert store.missing(search) == [search[1].record, search[2].record]
    assert store.prune(search[:1]) == 2
    assert [path.stem for path in store.KEPT.iterdir()] == [search[0].name]


@pytest.mark.parametrize("damaged", ["placed", "kept", "neither"])
def test_the_store_keeps_the_copy_that_is_whole(search, damaged):
    store.obtain(search[0])
    placed, kept = search[0].record, store.KEPT / search[0].record.name
    data = placed.read_bytes()
    for name, path in (("placed", placed), ("kept", kept)):
        if name == damaged:
            path.write_bytes(data.replace(b"finished", b"diverged"))
    store.keep_only([])
    assert kept.read_bytes() == data and not placed.exists()


def test_pruning_takes_damage_and_litter_and_leaves_what_is_in_the_making(search):
    store.obtain(search[0])
    old, new, damaged = store.STORE / "old.tmp", store.STORE / "new.tmp", store.DAMAGED / "x.json"
    for path in (old, new, damaged):
        write(path, b"half")
    os.utime(old, (0, 0))
    assert store.prune(search) == 0
    assert [path.exists() for path in (old, new, damaged)] == [False, True, False]
    assert (store.KEPT / search[0].record.name).exists()


@pytest.fixture
def layout(tmp_path, monkeypatch):
    """A search of two trials in an empty directory."""
    settings = load()
    settings["search"]["trials"] = 2
    monkeypatch.chdir(tmp_path)
    return Layout(settings)


def test_mending_moves_what_is_damaged_and_leaves_what_is_whole(layout):
    write(layout.split.path, b"torn")
    write(layout.plan.path, sealed_json({"digest": layout.plan.digest, **lines(layout.trials.values())}))
    said = mend(layout)
    assert said == [
        f"{layout.split.path}: is damaged (its checksum does not hold); "
        "it was moved to .zdl/damaged and will be made again"
    ]
    assert (store.DAMAGED / layout.split.path.name).read_bytes() == b"torn"
    assert layout.plan.path.exists() and not layout.split.path.exists()
    assert mend(layout) == []


def test_mending_lets_a_rival_be_first(layout, monkeypatch):
    write(layout.split.path, b"torn")

    def gone(*_):
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(store.os, "replace", gone)
    assert mend(layout) == []


def test_mending_an_empty_directory_leaves_it_empty(layout, tmp_path):
    assert mend(layout) == [] and list(tmp_path.iterdir()) == []


def test_mending_ends_the_future(layout):
    """Snakemake refuses a result that is older than an input."""
    images = {"x": np.zeros((1, PIXELS), np.float32), "t": np.zeros(1, np.uint8)}
    write(layout.prepared.path, sealed_npz(images, layout.prepared.digest))
    write(layout.plan.path, sealed_json({"digest": layout.plan.digest, **lines(layout.trials.values())}))
    for path, when in ((layout.prepared.path, 2**32), (layout.plan.path, 1)):
        os.utime(path, (when, when))
    mend(layout)
    assert layout.prepared.path.stat().st_mtime <= time.time()
    assert layout.plan.path.stat().st_mtime == 1


def test_everything_that_determines_a_trial_is_in_its_digest(search):
    spec = search[0].spec
    edits = {
        "seed": [42, 9],
        "config": {**spec["config"], "lr": 0.5},
        "split": "6",
        "numpy": "0",
        "code": "0",
    }
    assert set(edits) == set(spec)
    digests = {Trial(0, {}, {**spec, key: value}).digest for key, value in edits.items()}
    assert len(digests | {search[0].digest}) == 6
    assert {"layers", "network", "optimizers", "trainer"} < set(CODE)


def test_receipts_vouch_for_bytes_and_for_what_they_were_made_from(search, tmp_path):
    receipt, page = File(tmp_path / "receipt.json", "1" * 64), tmp_path / "page.md"
    assert not store.vouches(receipt)
    store.publish(receipt, {page: b"page"})
    assert store.vouches(receipt)
    assert not store.vouches(File(receipt.path, "2" * 64))
    page.write_bytes(b"pagE")
    assert not store.vouches(receipt)
    page.unlink()
    assert not store.vouches(receipt)
