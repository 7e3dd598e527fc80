"""Records, the plan that names them, and manifests: without an engine."""

import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tests.engines import PARAMS
from zdl import Error
from zdl.artifacts import manifest
from zdl.artifacts.artifact import Artifact
from zdl.artifacts.encoding import sealed_json, sealed_npz
from zdl.artifacts.fingerprint import together
from zdl.artifacts.io import read_json, write
from zdl.config.settings import load
from zdl.nn.history import History
from zdl.pipeline import cache, checks, records
from zdl.pipeline.graph import Graph, forecast
from zdl.pipeline.locks import Timeout, trial_lock
from zdl.pipeline.paths import Paths
from zdl.pipeline.planned import find_trial, trials_after
from zdl.pipeline.repair import damage, repair
from zdl.search.plan import plan_lines, trials
from zdl.search.trial import Trial, describe, record

SPLIT, TRAIN = "5" * 64, "zdl.problems.book:train"


def write_split(digest):
    """A split of 30 images under that digest."""
    rng = np.random.default_rng(0)
    x, t = rng.random((30, 784)).astype(np.float32), rng.integers(10, size=30).astype(np.uint8)
    parts = {"x_train": x[5:], "t_train": t[5:], "x_val": x[:5], "t_val": t[:5]}
    parts["classes"] = np.array(list("0123456789"))
    write(f"data/split/{digest[:12]}.npz", sealed_npz(parts, digest))


@pytest.fixture
def search(tmp_path, monkeypatch):
    """Three trials of a tiny network on 30 images, planned; in a directory of their own."""
    settings = load(PARAMS)
    settings["model"].update(hidden_width=4, hidden_depth=1)
    settings["training"].update(epochs=2, batch_size=10)
    settings["search"]["trials"] = 3
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZDL_TRAININGS", "trainings")
    write_split(SPLIT)
    search = trials(settings, SPLIT, TRAIN, together(Trial.entry, TRAIN))
    write("plan.json", sealed_json({"digest": "d", **plan_lines(search, ["0003-later"])}))
    return search


def trainings(tmp_path):
    path = tmp_path / "trainings"
    return Counter(path.read_text().split()) if path.exists() else Counter()


def test_a_trial_is_found_by_its_name(search, tmp_path):
    plan = tmp_path / "plan.json"
    assert find_trial(plan, search[2].name).spec == search[2].spec
    for wrong in ("0", "x", search[0].name[:-1], "", "0003-later"):
        with pytest.raises(Error, match=f"trial {wrong}: is not in"):
            find_trial(plan, wrong)


def test_the_trials_that_follow_are_those_of_the_plan_that_have_no_record(search, tmp_path):
    plan = tmp_path / "plan.json"
    first, second, third = (trial.name for trial in search)

    def after(name, last=third):
        return [trial.name for trial in trials_after(plan, name, last)]

    assert after(first) == after(first, "of another file") == [second, third]
    assert after(first, second) == [second] and after(second, second) == []
    cache.get_or_train(search[1])
    assert after(first) == [third]
    assert after(third) == after("0003-later") == []


@pytest.mark.parametrize(
    ("what", "other", "line"),
    [
        ("libraries", {"numpy": "1.26.4"}, f"numpy's version is {np.__version__}, but 1.26.4 in plan.json"),
        ("libraries", {}, f"numpy's version is {np.__version__}, but None in plan.json"),
        ("code", "0" * 64, f"the fingerprint of zdl's code is .*, but {'0' * 12} in plan.json; if"),
    ],
)
def test_a_plan_that_was_made_elsewhere_trains_nothing_here(search, what, other, line):
    plan = Path("plan.json")
    specs = {trial.name: {**trial.spec, what: other} for trial in search}
    foreign = [Trial(trial.number, trial.point, specs[trial.name]) for trial in search]
    checks.check_plans([plan])
    own = Path("own.json")
    own.write_bytes(plan.read_bytes())
    write(plan, sealed_json({"digest": "d", **plan_lines(foreign)}))
    checks.check_plans([plan, own])  # a rival's does no harm
    with pytest.raises(Error, match=line):
        find_trial(plan, foreign[0].name)
    with pytest.raises(Error, match=line):
        checks.check_plans([plan])


def test_a_record_says_what_came_of_it(search):
    cache.get_or_train(search[1])
    record = read_json(records.record(search[1]).path, search[1].digest)
    outcome = record["outcome"]
    assert record["trial"] == 1 and outcome["status"] == "finished"
    assert len(outcome["loss"]) == 5  # 2 epochs of 25 / 10 updates
    assert len(outcome["curve"]["val_correct"]) == 2
    hits = np.unpackbits(np.frombuffer(bytes.fromhex(outcome["curve"]["val_hits"]), np.uint8))[:5]
    assert hits.sum() == outcome["curve"]["val_correct"][-1]
    assert all(loss == float(f"{loss:.4g}") for loss in outcome["loss"])


def test_what_was_trained_once_is_restored(search, tmp_path):
    first = search[0]
    cache.get_or_train(first)
    data = records.record(first).path.read_bytes()
    records.record(first).path.unlink()
    cache.get_or_train(first)  # from the store
    assert records.record(first).path.read_bytes() == data and trainings(tmp_path) == {first.name: 1}
    (records.CACHE / records.record(first).path.name).write_bytes(data[:-1])
    cache.get_or_train(first)  # from its place, since the store's copy is damaged
    assert records.record(first).path.read_bytes() == data and trainings(tmp_path) == {first.name: 1}
    for copy in (records.record(first).path, records.CACHE / records.record(first).path.name):
        copy.write_bytes(data.replace(b"finished", b"diverged"))
    cache.get_or_train(first)  # both are damaged
    assert records.record(first).path.read_bytes() == data and trainings(tmp_path) == {first.name: 2}


def missing(search):
    return cache.missing(map(records.record, search))


def ready(search):
    """The trials that lie ready for their jobs, each in its place once it is moved there."""
    for path in sorted(records.READY.glob("*")):
        path.replace(records.record(search[0]).path.parent / path.name)
    return [trial.name for trial in search if records.record(trial).path not in missing(search)]


def test_more_trials_are_made_ready_as_long_as_there_is_time(search, tmp_path):
    cache.get_or_train(search[0])
    answers = iter([True, True, False])
    cache.do_ahead(map(cache.record_job, search), lambda: next(answers))
    assert missing(search) == [records.record(search[1]).path, records.record(search[2]).path]
    assert ready(search) == [search[0].name, search[1].name]
    assert trainings(tmp_path) == {search[0].name: 1, search[1].name: 1}


def test_what_is_there_ready_or_in_the_making_is_left_to_others(search, tmp_path):
    cache.get_or_train(search[0])
    spec = search[1].spec
    hold = f"""
from zdl.pipeline.locks import trial_lock
from zdl.search.trial import Trial
with trial_lock(Trial(1, {{}}, {spec!r})):
    print("held", flush=True)
    input()
"""
    holder = subprocess.Popen(
        [sys.executable, "-c", hold],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert holder.stdout.readline() == "held\n"
        cache.do_ahead(map(cache.record_job, search), lambda: True)
        assert [path.stem for path in records.READY.iterdir()] == [search[2].name]
        with pytest.raises(Timeout), trial_lock(search[1], wait=False):
            pass
    finally:
        holder.communicate("\n")
    cache.do_ahead(map(cache.record_job, search), lambda: True)
    assert ready(search) == [trial.name for trial in search]
    assert trainings(tmp_path) == {trial.name: 1 for trial in search}


def test_a_record_that_was_ready_too_late_for_its_job_is_not_left_behind(search, monkeypatch):
    """The job of trial 1 had started when the process of trial 0 made its record, or the other way round."""
    cache.do_ahead(map(cache.record_job, search[1:2]), lambda: True)
    assert cache.record_job(search[1]).ready.exists()
    cache.get_or_train(search[1])
    assert not any(records.READY.iterdir())

    def late_lock(trial, wait=True):
        if not wait:  # the process that works ahead gets the lock when the job has just let go of it
            cache.get_or_train(trial)
        return trial_lock(trial, wait)

    monkeypatch.setattr(cache, "trial_lock", late_lock)
    cache.do_ahead(map(cache.record_job, search[2:]), lambda: True)
    assert records.record(search[2]).path.exists() and not any(records.READY.iterdir())


def test_a_trial_that_cannot_be_made_fails_nobody_else_s_process(search, tmp_path):
    records.inputs(search[1])["split"].path.unlink()
    cache._read_once.cache_clear()
    cache.do_ahead(map(cache.record_job, search), lambda: True)
    assert missing(search) == [records.record(trial).path for trial in search]
    with pytest.raises(Error, match="cannot be read"):
        cache.get_or_train(search[1])


def test_records_of_other_searches_move_to_the_store_and_can_be_pruned(search):
    for trial in search:
        cache.get_or_train(trial)
    cache.keep_only_records([records.record(search[0]).path])
    assert [path.stem for path in records.record(search[0]).path.parent.iterdir()] == [search[0].name]
    assert missing(search) == [records.record(search[1]).path, records.record(search[2]).path]
    assert cache.prune(search[:1]) == 2
    assert [path.stem for path in records.CACHE.iterdir()] == [search[0].name]


@pytest.mark.parametrize("damaged", ["placed", "kept", "neither"])
def test_the_store_keeps_the_copy_that_is_whole(search, damaged):
    cache.get_or_train(search[0])
    placed, kept = records.record(search[0]).path, records.CACHE / records.record(search[0]).path.name
    data = placed.read_bytes()
    for name, path in (("placed", placed), ("kept", kept)):
        if name == damaged:
            path.write_bytes(data.replace(b"finished", b"diverged"))
    cache.keep_only_records([])
    assert kept.read_bytes() == data and not placed.exists()


def test_pruning_takes_damage_and_litter_and_leaves_what_is_in_the_making(search):
    cache.get_or_train(search[0])
    old, new, damaged = cache.LOCAL / "old.tmp", cache.LOCAL / "new.tmp", cache.CORRUPT / "x.json"
    for path in (old, new, damaged):
        write(path, b"half")
    os.utime(old, (0, 0))
    assert cache.prune(search) == 0
    assert [path.exists() for path in (old, new, damaged)] == [False, True, False]
    assert (records.CACHE / records.record(search[0]).path.name).exists()


@pytest.fixture
def paths(tmp_path, monkeypatch):
    """A search of two trials in an empty directory."""
    settings = load(PARAMS)
    settings["search"]["trials"] = 2
    monkeypatch.chdir(tmp_path)
    return Paths(settings)


def torn(paths):
    """Tear the split, and leave the plan whole."""
    write(paths.split.path, b"torn")
    write(paths.plan.path, paths.plan.compute())
    return f"{paths.split.path}: is damaged (its checksum does not hold)"


def test_looking_for_damage_changes_nothing(paths, tmp_path):
    line = torn(paths)
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in files(tmp_path)}
    assert damage(paths) == {paths.split.path: line}
    graph = Graph(paths)
    assert {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in files(tmp_path)} == before
    assert not graph.is_there(paths.split.path) and graph.is_there(paths.plan.path)
    assert graph.repair_notes(paths.plan.path) == []
    assert graph.repair_notes(paths.split.path) == graph.notes == Graph(paths).notes != []


def files(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def test_the_same_damage_once_more_is_another_repair(paths):
    torn(paths)
    (note,) = Graph(paths).notes
    write(note, b"done")
    (again,) = Graph(paths).notes
    assert again != note


def test_repairing_moves_what_is_damaged_and_leaves_what_is_whole(paths):
    line = torn(paths)
    assert repair(paths) == [f"{line}; it was moved to .zdl/damaged and will be made again"]
    assert (cache.CORRUPT / paths.split.path.name).read_bytes() == b"torn"
    assert paths.plan.path.exists() and not paths.split.path.exists()
    assert repair(paths) == [] and Graph(paths).notes == []


def test_repairing_lets_a_rival_be_first(paths, monkeypatch):
    torn(paths)

    def gone(*_):
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(cache.shutil, "move", gone)
    assert repair(paths) == []


def test_an_empty_directory_has_no_damage_and_stays_empty(paths, tmp_path):
    assert Graph(paths).notes == [] and list(tmp_path.iterdir()) == []


def test_no_time_stamp_stays_in_the_future(tmp_path, monkeypatch):
    """Snakemake refuses a result that is older than an input."""
    monkeypatch.chdir(tmp_path)
    for path, when in ((Path("late"), 2**32), (Path("early"), 1)):
        path.touch()
        os.utime(path, (when, when))
    records.end_future([Path("late"), Path("early"), Path("nowhere")])
    assert Path("late").stat().st_mtime <= time.time()
    assert Path("early").stat().st_mtime == 1


def kept_record(trial):
    hits = np.array([True, False])
    return record(trial.number, trial.spec, describe(History(2, 2, print, [1], [1], hits, hits, [1.0])))


def test_a_forecast_tells_what_is_trained_from_what_is_kept(paths):
    there = Path.exists
    assert forecast(paths, there) == ["2 trials: 0 from the cache, 2 to train"]
    first, second = paths.first
    write(records.CACHE / f"{first.key}.json", b"torn")
    assert forecast(paths, there) == ["2 trials: 0 from the cache, 2 to train"]
    write(records.CACHE / f"{first.key}.json", kept_record(first))
    assert forecast(paths, there) == ["2 trials: 1 from the cache, 1 to train"]
    assert forecast(paths, lambda path: path == records.record(second).path) == [
        "1 trial: 1 from the cache, 0 to train"
    ]
    assert forecast(paths, lambda path: True) == []


def published(name="1"):
    artifact = Artifact(Path("manifest.json"), name * 64, bool)
    artifact.published = {"page.md": Path("page.md"), "more.md": Path("more.md")}
    return artifact


def test_manifests_vouch_for_bytes_and_for_what_they_were_made_from(search, tmp_path):
    artifact, page = published(), tmp_path / "page.md"
    assert not manifest.is_current(artifact)
    manifest.publish(artifact, {"page.md": b"page", "more.md": b"more"})
    assert manifest.is_current(artifact)
    assert not manifest.is_current(published("2"))
    page.write_bytes(b"pagE")
    assert not manifest.is_current(artifact)
    page.unlink()
    assert not manifest.is_current(artifact)


def test_what_a_step_no_longer_publishes_goes(search, tmp_path):
    artifact = published()
    manifest.publish(artifact, {"page.md": b"page", "more.md": b"more"})
    manifest.publish(artifact, {"page.md": b"page"})
    assert not (tmp_path / "more.md").exists() and manifest.is_current(artifact)
