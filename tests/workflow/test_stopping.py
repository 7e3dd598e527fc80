"""A search that stops trials, and trainings that go on: both engines, run for real."""

import json
import os
from collections import Counter

import pytest

from tests.engines import TINY

SEARCH = {"method": "halving", "trials": 8, "eta": 2, "min_epochs": 1}
TRAINING = TINY["training"] | {"epochs": 4}


@pytest.fixture(scope="module")
def halved(fresh, tmp_path_factory):
    """A clone in which Snakemake has trained a search of 8, 4 and 2 trials for 1, 2 and 4 epochs."""
    clone = fresh.copy(tmp_path_factory.mktemp("halved") / "zdl")
    clone.edit(search=SEARCH, training=TRAINING)
    clone.engine("snakemake", "trials", "replicates")
    return clone


@pytest.fixture
def clone(halved, tmp_path):
    return halved.copy(tmp_path / "zdl")


def outcomes(clone):
    """By number and epochs of a trial, what became of it."""
    records = [json.loads(path.read_bytes()) for path in clone.records()]
    return {(each["trial"], each["spec"]["config"]["epochs"]): each["outcome"] for each in records}


def test_every_rung_has_the_best_of_the_one_before(halved):
    rungs = Counter(epochs for _, epochs in outcomes(halved))
    assert rungs == {1: 8, 2: 4, 4: 2} and len(halved.records()) == 14
    assert len([name for name in halved.logged() if not name.startswith("replicate-")]) == 14
    for epochs in (1, 2):
        scores = {
            number: outcome["curve"]["val_correct"][-1]
            for (number, length), outcome in outcomes(halved).items()
            if length == epochs
        }
        best = sorted(scores, key=lambda number: (-scores[number], number))[: rungs[2 * epochs]]
        assert {number for number, length in outcomes(halved) if length == 2 * epochs} == {*best}


def test_trials_that_go_on_have_the_records_of_the_random_search(halved, clone):
    """And a random search finds them in the cache; so does halving again, when that is reverted."""
    clone.edit(search={"method": "random"})
    line = "8 trials: 2 from the cache, 6 to train (6 of them go on: "
    assert line in clone.run("snakemake", "-n")
    clone.trainings()
    clone.engine("snakemake", "trials")
    assert len(clone.trained()) == 6
    random = outcomes(clone)
    full = {key: outcome for key, outcome in outcomes(halved).items() if key[1] == 4}
    assert full == {key: random[key] for key in full}
    clone.edit(search=SEARCH)
    clone.engine("dvc", "trials")
    assert clone.trainings() == [] and outcomes(clone) == outcomes(halved)


def test_without_checkpoints_it_comes_out_the_same(halved, fresh, tmp_path):
    """With DVC, in a clone that keeps none."""
    other = fresh.copy(tmp_path / "other")
    other.edit(search=SEARCH, training=TRAINING)
    other.engine("dvc", "trials", ZDL_CHECKPOINTS_MB="0")
    assert not (other.path / ".zdl/checkpoints").exists()
    assert [path.read_bytes() for path in other.records()] == [path.read_bytes() for path in halved.records()]
    assert [path.read_bytes() for path in other.rounds()] == [path.read_bytes() for path in halved.rounds()]


def test_more_trials_train_what_is_new_and_a_reverted_edit_nothing(halved, clone):
    clone.trainings()
    clone.edit(search={"trials": 9})
    clone.engine("snakemake", "trials")
    new = {key for key in outcomes(clone) if key not in outcomes(halved)}
    assert (8, 1) in new and len(clone.trained()) == len(new)
    clone.edit(search={"trials": 8})
    clone.engine("snakemake", "trials")
    assert clone.trainings() == []
    for key, outcome in outcomes(halved).items():
        assert outcomes(clone)[key] == outcome


def test_a_damaged_record_is_made_again_and_what_follows_from_it_stays(halved, clone):
    clone.trainings()
    first = clone.records()[0]
    first.write_bytes(first.read_bytes()[:-9])
    for path in (clone.path / ".zdl/trials").glob("0000-*"):
        path.unlink()
    clone.engine("snakemake", "trials")
    assert len(clone.trained()) == 1 and outcomes(clone) == outcomes(halved)


def test_more_epochs_go_on_by_either_engine_and_replicates_too(clone):
    """Of a search that stops nothing; and the records are those of trainings from the beginning."""
    clone.edit(search={"method": "random", "trials": 3}, training={"epochs": 2})
    clone.engine("snakemake", "trials", "replicates")
    clone.edit(training={"epochs": 5})
    said = clone.run("snakemake", "-n", "trials")
    assert "3 trials: 0 from the cache, 3 to train (3 of them go on: " in said
    clone.trainings()
    clone.engine("dvc", "replicates")
    trained = clone.trainings()
    assert len(trained) == 3 + 2 * 2
    continued = {path.name: path.read_bytes() for path in clone.records()}
    clone.edit(training={"epochs": 2})  # what the cache has
    clone.engine("snakemake", "trials")
    assert clone.trainings() == []
    clone.edit(training={"epochs": 5})
    clone.engine("snakemake", "trials")
    for path in (clone.path / ".zdl/trials").iterdir():
        path.unlink()
    for path in clone.records():
        path.unlink()
    clone.engine("snakemake", "trials", ZDL_CHECKPOINTS_MB="0")
    assert {path.name: path.read_bytes() for path in clone.records()} == continued


def test_the_report_says_what_was_stopped(clone):
    clone.engine("dvc")
    text = " ".join((clone.path / "reports/README.md").read_text().split())
    assert "after 1 and 2 epochs, only the best 1 of 2 went on (halving; see *What was stopped*)" in text
    assert "All trials together had 16 epochs; in full they would have had 32, so stopping saved 50 %" in text
    assert "the best trial and the best one that was stopped were each trained 2 more times" in text
    assert "match params.yaml and the code" in clone.run("python", "workflow/scripts/check.py")
    assert clone.run("python", "workflow/scripts/best.py", "3").count("Best-") == 3
    assert os.listdir(clone.path / "results/replicates")
