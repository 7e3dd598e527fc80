"""Replicates: the best trials trained again on other splits, and their files."""

import copy
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from tests.engines import PARAMS
from zdl import Error
from zdl.analysis import ranking
from zdl.analysis.baseline import baseline_scores
from zdl.analysis.outcomes import held_out_answers
from zdl.artifacts.encoding import sealed_json
from zdl.artifacts.io import read_json, read_npz, write
from zdl.artifacts.schemas import is_replicate
from zdl.config.settings import load
from zdl.data.answers import from_hex, in_hex, probabilities
from zdl.data.rows import Rows, arrays
from zdl.nn.layers import softmax
from zdl.pipeline import cache, records, repair, steps
from zdl.pipeline.paths import Paths
from zdl.pipeline.progress import Progress
from zdl.problems import book
from zdl.search import replicates
from zdl.search.trial import training

SHIPPED = load(PARAMS)


def settings(**replicate):
    tiny = copy.deepcopy(SHIPPED)
    tiny["data"].update(source="bundled", subsample=60)
    tiny["model"].update(hidden_width=8, hidden_depth=1)
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


def recorded(paths):
    """The records of the replicates of each trial."""
    trials = {}
    for contents in [read_json(*file) for file in paths.replicates]:
        if contents["trial"] is not None:
            trials.setdefault(contents["trial"], []).append(contents["replicate"])
    return trials


def test_the_best_are_trained_again_with_other_luck_and_the_same_hyper_parameters(paths):
    assert len(replicate_all(paths)) == 2 * 3
    best = ranking.top(ranking.rank(read_json(*paths.table)), 2)["trial"].tolist()
    known = recorded(paths)
    assert [*known] == best
    trials = {trial.number: trial for trial in Progress(paths).all_trials()}
    for number, records_of_trial in known.items():
        trial = trials[number]
        specs = [record["spec"] for record in records_of_trial]
        assert all(spec["config"] == trial.spec["config"] for spec in specs)
        assert len({json.dumps(spec["seed"]) for spec in specs} | {json.dumps(trial.spec["seed"])}) == 4
    one, other = ([record["spec"]["split"] for record in each] for each in known.values())
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
    (first, *_), _ = recorded(paths).values()
    told = first["outcome"]["held_out"]
    answers, percent = from_hex(told["taken_for"]), from_hex(told["confidence"])
    assert len(answers) == len(percent) == len(t) and percent.max() <= 100
    trial = next(trial for trial in Progress(paths).all_trials() if trial.number == first["trial"])
    again = paths.replicates_of(trial)[0]
    split = replicates.split_again(read_npz(*paths.prepared), again.spec["split"])
    _, predictor = training(again.spec, split._asdict(), book.train)
    shares = softmax(predictor.network.predict(read_npz(*paths.held_out)["x"]))
    assert (shares.argmax(axis=1) == answers).all()
    assert np.abs(shares.max(axis=1) - percent / 100).max() <= 0.005 + 1e-9


@pytest.mark.parametrize(("classes", "digits"), [(2, 2), (256, 2), (257, 4), (1000, 4)])
def test_answers_are_as_wide_as_the_classes_need(classes, digits):
    t = np.array([0, 1, classes - 1, classes // 2])
    shares = np.full((4, classes), 0.1 / classes)
    shares[np.arange(4), t] = [1.0, 0.514, 0.5, 0.3]
    told = in_hex(shares)
    assert len(told["taken_for"]) == 4 * digits and len(told["confidence"]) == 4 * 2
    labels = arrays(Rows(np.zeros((4, 3)), t, np.zeros((4, 3)), t, [*map(str, range(classes))]))["t"]
    answers = from_hex(told["taken_for"], labels.dtype)
    assert answers.tolist() == t.tolist() == held_out_answers({"held_out": told}, labels).tolist()
    assert from_hex(told["confidence"]).tolist() == [100, 51, 50, 30]


@pytest.mark.parametrize("shape", [(3, 10), (4,), (4, 10, 1), (4, 9)], ids=str)
def test_a_predictor_whose_answers_have_another_shape_is_refused(shape):
    """Such as one without a column for a class that no training row had."""
    with pytest.raises(Error) as error:
        probabilities(np.zeros(shape), 4, 10)
    needed = "needed: probabilities of all classes, of shape (4, 10)"
    assert str(error.value) == f"train: its predictor gives the shape {shape} ({needed})"


@pytest.mark.parametrize("share", [-2.5, 1.5, np.nan])
def test_a_predictor_that_gives_no_probabilities_is_refused(share):
    """Such as one that gives the scores before a softmax."""
    shares = np.full((4, 10), 0.1)
    shares[1, 1] = share
    with pytest.raises(Error, match=r"train: its predictor gives .* to .* \(needed: probabilities"):
        probabilities(shares, 4, 10)


def test_only_what_is_new_is_trained(paths):
    replicate_all(paths)
    more = Paths(settings(replicates=4))
    assert len(replicate_all(more)) == 2  # one more of each trial
    wider = Paths(settings(trials=3))
    assert {file.path for file in paths.replicates} < {file.path for file in wider.replicates}
    assert {file.path for file in paths.replicates} < {file.path for file in more.replicates}
    assert len(replicate_all(wider)) == 3  # the third trial's
    other = Paths(settings(seed=8))
    assert len(replicate_all(other)) == 6
    assert replicate_all(paths) == []


def test_another_ranking_finds_the_replicates_in_a_pulled_clone(paths):
    replicate_all(paths)
    known = {*recorded(paths)}
    shutil.rmtree(".zdl")  # which neither Git nor DVC carries
    edited = settings()
    edited["search"]["trials"] = 3
    other = Paths(edited)
    assert not {file.path for file in other.replicates} & {file.path for file in paths.replicates}
    steps.plan(other, lambda line: None)
    steps.aggregate(other, lambda line: None)
    new = {*(replicate_all(other) and recorded(other))} or known
    trained = {int(name.split("-")[1]) for name in trainings()[6:]}
    assert trained == new - known


def test_a_rank_that_nobody_has_leaves_a_file_that_says_so(paths):
    table = read_json(*paths.table)
    for row in table["trials"][1:]:
        row["outcome"].update(status="diverged", final=None)
    write(paths.table.path, sealed_json(table))
    replicate_all(paths)
    ((trial, again),) = recorded(paths).items()
    assert trial == table["trials"][0]["trial"] and len(again) == 3
    second = [read_json(*file) for file in paths.replicates[3:]]
    assert [(file["trial"], file["replicate"]) for file in second] == [(None, None)] * 3


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
    path = paths.replicates[4].path
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
    (record, *_), _ = recorded(paths).values()
    assert is_replicate(record)
    spoil(record)
    with pytest.raises((KeyError, AssertionError)):
        assert is_replicate(record)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda contents, other: contents.update(replicate=None),
        lambda contents, other: contents.update(replicate=other),
        lambda contents, other: [each.update(trial=99) for each in (contents, contents["replicate"])],
    ],
)
def test_what_is_not_that_replicate_of_a_trial_of_the_search_is_set_aside(paths, spoil):
    replicate_all(paths)
    file, other = paths.replicates[:2]
    told = read_json(*file)
    spoil(told, read_json(*other)["replicate"])
    write(file.path, sealed_json(told))
    (line,) = repair.repair(paths)
    assert str(file.path) in line and not file.path.exists()


def test_a_name_of_no_replicate_is_one_line(paths):
    with pytest.raises(Error, match=r"replicate 001-001-0: is not of this search"):
        paths.place_of_replicate("001-001-0")


def test_a_process_goes_on_with_the_next_replicates(paths):
    first, *later = paths.replicates
    answers = iter([True, True, True, True, False])
    steps.replicate(paths, lambda line: None, first.path.stem, lambda: next(answers))
    assert [*records.REPLICATES.iterdir()] == [first.path]
    ready = sorted(path.name for path in records.READY.iterdir())
    assert ready == [file.path.name for file in later[:4]] and len(trainings()) == 5
    for name in ready:  # as their jobs do
        (records.READY / name).rename(records.REPLICATES / name)
    assert len(replicate_all(paths)) == 1
    assert len(recorded(paths)) == 2


def test_a_damaged_file_that_was_ready_is_set_aside(paths):
    steps.replicate(paths, lambda line: None, paths.replicates[0].path.stem, lambda: True)
    path = records.READY / paths.replicates[3].path.name
    path.write_bytes(path.read_bytes().replace(b'"status"', b'"Status"', 1))
    (line,) = repair.repair(paths)
    assert str(path) in line and not path.exists()


def test_the_baseline_is_scikit_learn_s_on_the_same_splits(paths):
    steps.baseline(paths, lambda line: None)
    contents = read_json(*paths.baseline)
    held_out, own = read_npz(*paths.held_out), read_npz(*paths.split)
    model = LogisticRegression(max_iter=10_000, tol=1e-8).fit(own["x_train"].astype(float), own["t_train"])
    scored = baseline_scores(contents)
    assert scored["val_acc"] == model.score(own["x_val"].astype(float), own["t_val"])
    scores = []
    for which in paths.replicate_splits:
        split = replicates.split_again(read_npz(*paths.prepared), which)
        model.fit(split.x_train.astype(float), split.t_train)
        scores.append(model.score(held_out["x"].astype(float), held_out["t"]))
    assert scored["held_out"] == pytest.approx(np.mean(scores), abs=1e-6)
    assert scored["held_out_low"] < scored["held_out"] < scored["held_out_high"]
