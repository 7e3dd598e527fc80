"""Repeats: the best trials trained again on other splits, their files, and the tables of what survived."""

import copy
import json
import math
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from zdl import Error
from zdl.analysis import ranking, replication
from zdl.analysis.replication import confirmed
from zdl.artifacts.encoding import sealed_json
from zdl.artifacts.io import read_json, read_npz, write
from zdl.artifacts.schemas import is_replicate
from zdl.config.settings import load
from zdl.nn.layers import softmax
from zdl.pipeline import cache, records, repair, steps
from zdl.pipeline.paths import Paths
from zdl.pipeline.progress import Progress
from zdl.search import replicates
from zdl.search.trial import train

SHIPPED = load()


def settings(**replicate):
    tiny = copy.deepcopy(SHIPPED)
    tiny["data"].update(source="bundled", subsample=60)
    tiny["model"]["hidden_sizes"] = [8]
    tiny["training"].update(epochs=5, batch_size=12)
    tiny["search"].update(trials=4)
    tiny["search"]["space"] = {"lr": {"distribution": "uniform", "low": 0.01, "high": 0.5}}
    tiny["replicate"].update({"trials": 2, "replicates": 3, **replicate})
    tiny["report"]["best"] = 3
    return tiny


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """A folder in which a tiny search has come as far as its table."""
    folder = tmp_path_factory.mktemp("searched")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        paths = Paths(settings())
        for step in (steps.download, steps.prepare, steps.split, steps.plan):
            step(paths, lambda line: None)
        for trial in Progress(paths).all_trials():
            cache.get_or_train(trial)
        steps.aggregate(paths, lambda line: None)
    return folder


@pytest.fixture
def paths(searched, tmp_path, monkeypatch):
    shutil.copytree(searched, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZDL_TRAININGS", "trainings")
    return Paths(settings())


def replicate_all(paths):
    """Every file of replicates, made; and the names of the replicates that were trained for them."""
    before = trainings()
    for file in paths.replicates:
        steps.replicate(paths, lambda line: None, file.path.stem)
    return [name for name in trainings() if name not in before]


def trainings():
    path = Path("trainings")
    return path.read_text().split() if path.exists() else []


def contents(paths):
    return [read_json(*file) for file in paths.replicates]


def test_the_best_are_trained_again_with_other_luck_and_the_same_hyper_parameters(paths):
    assert len(replicate_all(paths)) == 2 * 3
    best = ranking.top(ranking.rank(read_json(*paths.table)), 2)["trial"].tolist()
    files = contents(paths)
    assert [file["trial"] for file in files] == best
    trials = {trial.number: trial for trial in Progress(paths).all_trials()}
    for file in files:
        trial = trials[file["trial"]]
        specs = [record["spec"] for record in file["replicates"]]
        assert all(spec["config"] == trial.spec["config"] for spec in specs)
        assert len({json.dumps(spec["seed"]) for spec in specs} | {json.dumps(trial.spec["seed"])}) == 4
    one, other = ([record["spec"]["split"] for record in file["replicates"]] for file in files)
    assert one == other, "replicates of two trials are compared in pairs"
    assert len({json.dumps(split) for split in one}) == 3


def test_a_replicate_splits_the_search_s_own_images_anew(paths):
    whole = read_npz(*paths.prepared)
    rows = lambda x: sorted(map(bytes, np.asarray(x)))  # noqa: E731
    own = read_npz(*paths.split)
    seen = [own["x_val"]]
    for which in paths.replicate_splits:
        split = replicates.split_again(read_npz(*paths.prepared), which)
        assert len(split.x_val) == len(own["x_val"])
        assert rows([*split.x_train, *split.x_val]) == rows(whole["x"])
        assert not any(rows(split.x_val) == rows(x) for x in seen)
        seen.append(split.x_val)


def test_a_record_tells_what_the_network_takes_each_held_out_image_for(paths):
    replicate_all(paths)
    t = read_npz(*paths.held_out)["t"]
    (first, *_), _ = (file["replicates"] for file in contents(paths))
    told = first["outcome"]["held_out"]
    taken_for, percent = replicates.answers(told["taken_for"]), replicates.answers(told["confidence"])
    assert len(taken_for) == len(percent) == len(t) and percent.max() <= 100
    trial = next(trial for trial in Progress(paths).all_trials() if trial.number == first["trial"])
    again = paths.replicates_of(trial)[0]
    network, _ = train(
        again.spec, replicates.split_again(read_npz(*paths.prepared), again.spec["split"])._asdict()
    )
    shares = softmax(network.predict(read_npz(*paths.held_out)["x"]))
    assert (shares.argmax(axis=1) == taken_for).all()
    assert np.abs(shares.max(axis=1) - percent / 100).max() <= 0.005 + 1e-9


def test_only_what_is_new_is_trained(paths):
    replicate_all(paths)
    more = Paths(settings(replicates=4))
    assert len(replicate_all(more)) == 2  # one more of each trial
    wider = Paths(settings(trials=3))
    assert {file.path for file in paths.replicates} < {file.path for file in wider.replicates}
    assert len(replicate_all(wider)) == 3  # the third trial's
    other = Paths(settings(seed=8))
    assert len(replicate_all(other)) == 6
    assert replicate_all(paths) == []


def test_another_ranking_finds_the_replicates_in_a_pulled_clone(paths):
    import shutil

    replicate_all(paths)
    shutil.rmtree(".zdl")  # which neither Git nor DVC carries
    edited = settings()
    edited["search"]["trials"] = 3
    other = Paths(edited)
    assert not {file.path for file in other.replicates} & {file.path for file in paths.replicates}
    steps.plan(other, lambda line: None)
    steps.aggregate(other, lambda line: None)
    known = {file["trial"] for file in contents(paths)}
    new = {file["trial"] for file in replicate_all(other) and contents(other)} or known
    trained = {int(name.split("-")[1]) for name in trainings()[6:]}
    assert trained == new - known


def test_a_rank_that_nobody_has_leaves_a_file_that_says_so(paths):
    table = read_json(*paths.table)
    for row in table["trials"][1:]:
        row["outcome"].update(status="diverged", final=None)
    write(paths.table.path, sealed_json(table))
    replicate_all(paths)
    first, second = contents(paths)
    assert first["trial"] == table["trials"][0]["trial"] and len(first["replicates"]) == 3
    assert second["trial"] is None and second["replicates"] == []


def test_files_of_other_searches_go_and_their_replicates_stay_in_the_store(paths):
    replicate_all(paths)
    kept = {record.name for record in records.CACHE.glob("*")}
    cache.keep_only_replicates([paths.replicates[0].path])
    assert [*records.REPLICATES.iterdir()] == [paths.replicates[0].path]
    assert {record.name for record in records.CACHE.glob("*")} == kept
    assert replicate_all(paths) == []
    cache.keep_only_replicates([])  # as after a replication that was interrupted
    assert cache.prune([*Progress(paths).all_trials(), *Progress(paths).replicates()]) == 0
    assert cache.prune(Progress(paths).all_trials()) == 6


def test_a_damaged_file_is_set_aside_and_made_again_from_the_store(paths):
    replicate_all(paths)
    steps.baseline(paths, lambda line: None)
    path = paths.replicates[1].path
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b'"status"', b'"Status"', 1))
    (line,) = repair.repair(paths)
    assert str(path) in line and not path.exists()
    assert replicate_all(paths) == [] and path.read_bytes() == whole


@pytest.mark.parametrize(
    "spoil",
    [
        lambda record: record["outcome"].pop("held_out"),
        lambda record: record["outcome"].update(held_out=None),
        lambda record: record["outcome"]["held_out"].update(taken_for="0a"),
        lambda record: record["outcome"]["held_out"].update(confidence=""),
        lambda record: record["outcome"]["held_out"].update(more=""),
        lambda record: record["outcome"].update(final=None, status="diverged"),
        lambda record: record["spec"].update(seed=[0]),
    ],
)
def test_what_is_no_record_of_a_replicate_is_refused(paths, spoil):
    replicate_all(paths)
    record = contents(paths)[0]["replicates"][0]
    assert is_replicate(record)
    spoil(record)
    with pytest.raises((KeyError, AssertionError)):
        assert is_replicate(record)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda contents: contents["replicates"].pop(),
        lambda contents: contents["replicates"].reverse(),
        lambda contents: [each.update(trial=99) for each in (contents, *contents["replicates"])],
    ],
)
def test_what_are_not_all_replicates_of_a_trial_of_the_search_is_set_aside(paths, spoil):
    replicate_all(paths)
    file = paths.replicates[0]
    told = read_json(*file)
    spoil(told)
    write(file.path, sealed_json(told))
    (line,) = repair.repair(paths)
    assert str(file.path) in line and not file.path.exists()


def test_a_name_of_no_replicates_is_one_line(paths):
    with pytest.raises(Error, match=r"replicates 001-0: are not of this search"):
        paths.replicates_named("001-0")


# The tables.

T = np.array([0, 1, 2, 3], np.uint8)


def outcome(val=None, taken=None, confidence=(90, 90, 90, 90)):
    """One that diverged; or one whose network scores `val` of 10, and takes the images T for `taken`."""
    curve = {"train_correct": [1, 2], "train_size": 4, "val_correct": [0, val or 0], "val_size": 10}
    if val is None:
        return {"status": "diverged", "curve": curve, "final": None, "held_out": None}
    told = {"taken_for": bytes(taken).hex(), "confidence": bytes(confidence).hex()}
    return {"status": "finished", "curve": curve, "final": {"val_correct": val}, "held_out": told}


def repeated(trial, *outcomes):
    return {"trial": trial, "replicates": [{"outcome": one} for one in outcomes]}


FOUND = pd.DataFrame({"rank": [1, 2, 3], "trial": [7, 3, 5], "val_acc": [0.9, 0.8, 0.7]})


def test_what_was_found_stands_beside_what_survived():
    files = [
        repeated(7, outcome(6, [0, 1, 2, 0]), outcome(8, [0, 1, 0, 0])),
        repeated(3, outcome(9, [0, 1, 2, 3]), outcome()),
        repeated(None),
    ]
    first, second = confirmed(files, FOUND, T, 10).to_dict("records")
    assert (first["rank"], first["trial"], first["val_acc"]) == (1, 7, 0.9)
    assert (first["repeats"], first["diverged"], second["repeats"], second["diverged"]) == (2, 0, 1, 1)
    assert first["val_mean"] == 0.7 and first["val_sd"] == pytest.approx(math.sqrt(0.02), abs=1e-6)
    assert (first["luck_low"], first["luck_high"]) == (-0.1, 0.9), "two replicates: the mean may be any share"
    assert math.isnan(second["luck_low"]) and math.isnan(second["luck_high"])
    assert first["luck"] == 0.2 and first["held_out"] == 0.625 and first["gap"] == 0.275
    assert first["held_out_low"] < 0.625 < first["held_out_high"]
    assert second["val_mean"] == 0.9 and math.isnan(second["val_sd"]) and second["held_out"] == 1.0


def test_the_interval_of_luck_is_that_of_the_mean_of_the_replicates():
    files = [repeated(7, *(outcome(correct, T) for correct in (6, 8, 7, 7, 6, 8)))]
    (row,) = confirmed(files, FOUND, T, 10).to_dict("records")
    # Student's t of five degrees; Nadeau and Bengio's error: 10 validation images, 4 to train
    margin = 2.570582 * math.sqrt(0.04 / 5) * math.sqrt(1 / 6 + 10 / 4)
    assert row["luck"] == 0.2 and row["luck_high"] == pytest.approx(0.2 + margin, abs=1e-5)
    assert row["luck_low"] == -0.1, "no mean is above 1"


def test_no_luck_has_no_sign():
    """Of 2 in 3, rounded up, a bit more than nothing is left over."""
    curve = {"val_correct": [2], "val_size": 3, "train_size": 3}
    files = [repeated(7, {**outcome(6, T), "curve": curve})]
    (row,) = confirmed(files, FOUND.assign(val_acc=2 / 3), T, 3).to_dict("records")
    assert str(row["luck"]) == "0.0"


def test_the_survivor_is_chosen_by_validation_alone():
    files = [
        repeated(7, outcome(6, [0, 1, 2, 3]), outcome(6, [0, 1, 2, 3])),
        repeated(3, outcome(7, [9, 9, 9, 9]), outcome(7, [9, 9, 9, 9])),
        repeated(5, outcome(10, [0, 1, 2, 3]), outcome()),
    ]
    assert replication.survivor(confirmed(files, FOUND, T, 10)) == 3  # the other two: lower, or diverged once
    assert replication.survivor(confirmed([repeated(7, outcome())], FOUND, T, 10)) is None
    assert replication.survivor(confirmed([], FOUND, T, 10)) is None
    tied = [repeated(7, outcome(6, T)), repeated(3, outcome(6, T))]
    assert replication.survivor(confirmed(tied, FOUND, T, 10)) == 7


def verdicts(files, trial, t):
    frame = replication.rivals(files, trial, t)
    return dict(zip(frame["trial"].tolist(), frame["held_out"].tolist(), strict=True))


def test_rivals_are_judged_by_held_out_images():
    rng, t = np.random.default_rng(4), np.zeros(400, np.uint8)

    def trained(trial, *rights):  # each repeat recognises such a share of the images
        taken = [(rng.random(400) >= right).astype(np.uint8) for right in rights]
        return repeated(trial, *(outcome(6, each, bytes(400)) for each in taken))

    best = trained(3, *[0.8] * 6)
    files = [trained(7, *[0.81] * 6), best, trained(5, *[0.5] * 6)]
    assert verdicts(files, 3, t) == {7: 0, 5: 1}
    assert verdicts(files, 5, t) == {7: -1, 3: -1}
    assert replication.rivals(files, None, t).empty
    same, never = repeated(5, *(one["outcome"] for one in best["replicates"])), repeated(7, *[outcome()] * 6)
    assert verdicts([best, same, never], 3, t) == {5: 0, 7: 0}, "nothing sets them apart"
    bad = outcome(6, [1] * 400, bytes(400))
    good = outcome(6, [0] * 400, bytes(400))
    assert verdicts([repeated(3, *[good] * 6), repeated(5, *[bad] * 6)], 3, t) == {5: 1}
    once = [repeated(3, good, outcome()), repeated(5, bad, bad)]
    assert verdicts(once, 3, t) == {5: 0}, "one pair tells nothing"


def test_rivals_are_judged_by_the_validation_images_of_each_split():
    """In pairs: what is hard about a split is hard for both."""

    def val(ahead):  # of pairs of scores on the same splits
        files = [repeated(k, *(outcome(pair[k], T) for pair in ahead)) for k in (0, 1)]
        return [replication.rivals(files, trial, T)["val"].item() for trial in (0, 1)]

    ahead = [(9, 8), (5, 4), (7, 6), (2, 1)]
    assert val(ahead * 2) == [1, -1]
    assert val(ahead) == [0, 0], "four of a sign are one in eight"
    assert val([(9, 7), (9, 8), (8, 6), (9, 8)]) == [0, 0], "t is 1.57, and not 5.2, as splits overlap"
    assert val([(9, 3), (9, 4), (8, 2), (9, 4), (8, 3), (9, 3)]) == [1, -1]


def fit(hits):
    packed = np.packbits(np.asarray(hits, dtype=bool)).tobytes().hex()
    told = {"train_correct": 4, "train_size": 4, "val_correct": 5, "val_size": 10}
    return {**told, "held_out_hits": packed, "held_out_size": len(hits)}


def test_a_network_beside_the_linear_model_of_its_split():
    files = [repeated(7, *[outcome(6, [0, 1, 2, 0]), outcome(), outcome(6, [0, 1, 0, 0])] * 3)]
    fits = {"replicates": [fit([1, 1, 1, 1]), fit([0, 0, 0, 0]), fit([0, 1, 1, 1])] * 3}
    told = replication.beside_linear(files, 7, T, fits)
    # apart: 0 0 0 -1 and 1 0 -1 -1: rows -1/4, columns 1/2 0 -1/2 -1; Student's t of five degrees
    error = math.sqrt(np.var([0.5, 0, -0.5, -1], ddof=1) / 4)
    assert told["apart"] == -0.25
    assert told["apart_high"] == pytest.approx(-0.25 + 2.570582 * error, abs=1e-5)
    assert told["apart_low"] == -1
    once = replication.beside_linear([repeated(7, outcome(6, [0, 1, 2, 0]))], 7, T, fits)
    assert once["apart"] == -0.25 and math.isnan(once["apart_low"])
    assert replication.beside_linear(files, None, T, fits) == {}


def test_what_a_linear_model_loses_on_held_out_images():
    fits = [fit([1, 1, 0, 0]), {**fit([1, 0, 0, 0]), "val_correct": 6}] * 3
    told = replication.baseline({"search": fits[0], "replicates": fits})
    assert (told["val_mean"], told["held_out"], told["loss"]) == (0.55, 0.375, 0.175)
    val = np.var([0.5, 0.6] * 3, ddof=1) * (1 / 6 + 10 / 4)
    held_out = np.var([0.5, 0.25] * 3, ddof=1) / 6 + np.var([1, 0.5, 0, 0], ddof=1) / 4
    assert told["loss_high"] == pytest.approx(0.175 + 2.570582 * math.sqrt(val + held_out), abs=1e-5)
    assert math.isnan(replication.baseline({"search": fits[0], "replicates": fits[:1]})["loss_low"])


def test_every_replicate_has_a_row():
    frame = replication.again([repeated(7, outcome(6, [0, 1, 2, 0]), outcome())], FOUND, T)
    one, two = frame.to_dict("records")
    assert (one["rank"], one["repeat"], one["val_acc"], one["held_out"]) == (1, 1, 0.6, 0.75)
    assert two["status"] == "diverged" and math.isnan(two["val_acc"]) and math.isnan(two["held_out"])
    curves = replication.curves([repeated(7, outcome(6, T))], 7)
    assert curves.to_dict("list") == {
        "repeat": [1, 1], "epoch": [1, 2], "train_acc": [0.25, 0.5], "val_acc": [0.0, 0.6],
    }  # fmt: skip


def test_the_confusion_is_a_mean_over_the_replicates():
    files = [repeated(7, outcome(6, [0, 1, 2, 5]), outcome(6, [0, 7, 2, 3]), outcome())]
    shares = replication.confusion(files, 7, T)
    assert shares.shape == (10, 10)
    assert (shares[3, 5], shares[3, 3], shares[1, 7], shares[1, 1]) == (0.5, 0.5, 0.5, 0.5)
    assert shares[0, 0] == shares[2, 2] == 1.0 and shares.sum() == 4  # no image is of another digit
    assert replication.confusion(files, None, T).size == 0


def test_the_surest_mistakes_come_first():
    files = [
        repeated(
            7,
            outcome(6, [4, 1, 9, 8], (60, 99, 80, 99)),
            outcome(6, [4, 1, 9, 3], (60, 99, 90, 99)),
            outcome(6, [5, 1, 2, 3], (90, 99, 99, 99)),
        )
    ]
    rows = replication.mistakes(files, 7, T).to_dict("records")
    assert [row["image"] for row in rows] == [0, 2, 3]  # 210, 170 and 99 percent in all; 1 is never mistaken
    assert rows[0] == {"image": 0, "digit": 0, "taken_for": 4, "wrong": 3, "repeats": 3, "confidence": 0.7}
    assert (rows[1]["wrong"], rows[1]["confidence"], rows[2]["wrong"]) == (2, 0.85, 1)
    assert len(replication.mistakes(files, 7, T, most=2)) == 2
    assert replication.mistakes(files, None, T).empty


def test_the_baseline_is_scikit_learn_s_on_the_same_splits(paths):
    steps.baseline(paths, lambda line: None)
    contents = read_json(*paths.baseline)
    held_out, own = read_npz(*paths.held_out), read_npz(*paths.split)
    model = LogisticRegression(max_iter=10_000, tol=1e-8).fit(own["x_train"].astype(float), own["t_train"])
    told = replication.baseline(contents)
    assert told["val_acc"] == model.score(own["x_val"].astype(float), own["t_val"])
    scores = []
    for which in paths.replicate_splits:
        split = replicates.split_again(read_npz(*paths.prepared), which)
        model.fit(split.x_train.astype(float), split.t_train)
        scores.append(model.score(held_out["x"].astype(float), held_out["t"]))
    assert told["held_out"] == pytest.approx(np.mean(scores), abs=1e-6)
    assert told["held_out_low"] < told["held_out"] < told["held_out_high"]


@given(st.lists(st.integers(0, 255), max_size=50))
def test_answers_come_back(values):
    assert replicates.answers(replicates._hex(np.array(values, int))).tolist() == values
