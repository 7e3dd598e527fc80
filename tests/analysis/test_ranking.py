"""The ranking against tables worked out by hand, and what must hold for any table."""

import json

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zdl.analysis import ranking


def record(trial, val, status="finished", **point):
    """A trial that got `val` of 100 validation images right, and the same share of 400 training images."""
    curve = {"train_correct": [4 * n for n in val], "train_size": 400, "val_correct": val, "val_size": 100}
    final = None if status == "diverged" else {"val_correct": min(100, val[-1] + 1), "val_size": 100}
    outcome = {"status": status, "curve": {**curve, "val_hits": ""}, "final": final}
    result = f"{trial:012x}" + 52 * "e"
    return {"trial": trial, "key": f"{trial:04d}-k", "point": point, "outcome": outcome, "result": result}


def table(*records):
    return {"trials": list(records)}


SEARCH = table(
    record(0, [10, 50], lr=1e-3, weight_decay=1e-6),
    record(1, [10, 83], lr=0.0092, weight_decay=3.86e-7),
    record(2, [], "diverged", lr=1.0, weight_decay=1e-8),
    record(3, [10, 50], lr=2e-3, weight_decay=1e-5),
    record(4, [99], "diverged", lr=0.5, weight_decay=1e-4),
)
PUBLISHED_TABLES = """\
rank,trial,key,result,val_acc,train_acc,final_val_acc,status,epochs,lr,weight_decay
1,1,0001-k,000000000001,0.83,0.83,0.84,finished,2,0.0092,3.86e-07
2,0,0000-k,000000000000,0.5,0.5,0.51,finished,2,0.001,1e-06
3,3,0003-k,000000000003,0.5,0.5,0.51,finished,2,0.002,1e-05
4,4,0004-k,000000000004,0.99,0.99,,diverged,1,0.5,0.0001
5,2,0002-k,000000000002,,,,diverged,0,1.0,1e-08
"""


def test_ranking_by_hand():
    assert ranking.csv(ranking.rank(SEARCH)) == PUBLISHED_TABLES


def test_curves_are_those_of_the_best_that_finished():
    curves = ranking.curves(SEARCH, ranking.rank(SEARCH), best=2)
    assert ranking.csv(curves) == (
        "rank,trial,epoch,train_acc,val_acc\n1,1,1,0.1,0.1\n1,1,2,0.83,0.83\n2,0,1,0.1,0.1\n2,0,2,0.5,0.5\n"
    )
    assert set(ranking.curves(SEARCH, ranking.rank(SEARCH), best=20)["trial"]) == {0, 1, 3}


def test_metrics_by_hand():
    assert ranking.metrics(SEARCH, ranking.rank(SEARCH), best=2) == {
        "best": {
            "trial": 1,
            "val_acc": 0.83,
            "train_acc": 0.83,
            "final_val_acc": 0.84,
            "lr": 0.0092,
            "weight_decay": 3.86e-7,
        },
        "top": {"size": 2, "mean_val_acc": 0.665, "min_val_acc": 0.5},
        "search": {"trials": 5, "finished": 3, "diverged": 2, "above_half": 1, "val_images": 100},
    }


def test_the_mean_has_no_trace_of_its_sum():
    search = table(*(record(trial, [10 * (trial + 1)], lr=0.1) for trial in range(3)))
    assert (0.1 + 0.2 + 0.3) / 3 != 0.2
    assert ranking.metrics(search, ranking.rank(search), best=3)["top"]["mean_val_acc"] == 0.2


def test_all_diverged_leaves_the_keys_and_blanks_the_values():
    search = table(record(0, [], "diverged", lr=1.0), record(1, [12], "diverged", lr=2.0))
    frame = ranking.rank(search)
    metrics = ranking.metrics(search, frame, best=20)
    assert frame["trial"].tolist() == [1, 0]
    assert metrics["best"] == dict.fromkeys(("trial", "val_acc", "train_acc", "final_val_acc", "lr"))
    assert metrics["top"] == {"size": 0, "mean_val_acc": None, "min_val_acc": None}
    assert ranking.csv(ranking.curves(search, frame, best=20)) == "rank,trial,epoch,train_acc,val_acc\n"


def test_trials_are_called_by_place_and_equal_scores_keep_that_order():
    search = table(*(record(trial, [30], lr=1 / (trial + 1)) for trial in (700, 200, 900, 0)))
    frame = ranking.rank(search, ["lr"])
    assert frame["trial"].tolist() == [0, 1, 2, 3]
    assert frame["key"].map(ranking.number).tolist() == [700, 200, 900, 0]


def test_the_last_point_ranks_not_the_highest_nor_the_final_one():
    search = table(record(0, [90, 20], lr=0.1), record(1, [10, 30], lr=0.1))
    search["trials"][0]["outcome"]["final"]["val_correct"] = 95
    assert ranking.rank(search)["trial"].tolist() == [1, 0]


def test_scores_over_different_numbers_of_images_are_compared_as_shares():
    search = table(record(0, [49], lr=0.1), record(1, [48], lr=0.1))
    search["trials"][1]["outcome"]["curve"]["val_size"] = 97
    assert ranking.rank(search)["val_acc"].tolist() == [48 / 97, 0.49]


def test_searched_epochs_have_one_column_that_holds_the_drawn_value():
    search = table(record(0, [9, 9], epochs=2, lr=0.1), record(1, [9], "diverged", epochs=3, lr=9.0))
    frame = ranking.rank(search)
    assert list(frame.columns) == [*ranking.FIXED, "lr"]
    assert frame["epochs"].tolist() == [2, 3]
    assert ranking.metrics(search, frame, 1)["best"]["epochs"] == 2


def test_a_hyper_parameter_that_plays_no_part_is_blank():
    search = table(
        record(0, [20], optimizer="sgd", lr=0.1),
        record(1, [10], optimizer="momentum", lr=0.1, momentum=0.9, batch_size=32),
    )
    frame = ranking.rank(search, names=["momentum", "batch_size", "optimizer", "beta1"])
    assert ranking.csv(frame).splitlines()[1:] == [
        "1,0,0000-k,000000000000,0.2,0.2,0.21,finished,1,,,sgd,",
        "2,1,0001-k,000000000001,0.1,0.1,0.11,finished,1,0.9,32,momentum,",
    ]


def test_options_of_mixed_types_are_text():
    search = table(record(0, [2], weight_init="relu"), record(1, [1], weight_init=0.01))
    assert ranking.rank(search)["weight_init"].tolist() == ["relu", "0.01"]


@pytest.mark.parametrize("result", ["012345678901", "1e5000000000", "123456789012", "000000000000"])
def test_a_result_that_looks_like_a_number_stays_text(result):
    search = table(record(0, [1], lr=0.1))
    search["trials"][0]["result"] = result + 52 * "0"
    text = ranking.csv(ranking.rank(search))
    assert ranking.read(text)["result"].tolist() == [result]


@pytest.mark.parametrize(("trials", "axes"), [(4, ["lr"]), (5, ["lr", "momentum"])])
def test_what_few_trials_have_is_no_axis_of_a_map(trials, axes):
    space = {name: {"distribution": "uniform"} for name in ("lr", "momentum")}
    rows = [record(k, [k], lr=0.1, **({"momentum": 0.9} if k < trials else {})) for k in range(10)]
    frame = ranking.rank(table(*rows), space)
    assert ranking.map_axes(frame, space) == axes
    assert ranking.map_axes(frame, {"momentum": space["momentum"]}) == ["momentum"], "there is no other"


few = settings(max_examples=50, deadline=None)  # an example is a dozen small frames
points = st.fixed_dictionaries(
    {"lr": st.floats(1e-12, 1e4)},
    optional={
        "optimizer": st.sampled_from(["sgd", "adam"]),
        "batch_size": st.integers(1, 8192),
        "momentum": st.floats(0, 1),
    },
)
NAMES = ["lr", "optimizer", "batch_size", "momentum"]


@st.composite
def tables(draw):
    records = []
    for trial in range(draw(st.integers(1, 12))):
        status = draw(st.sampled_from(["finished", "finished", "diverged"]))
        val = draw(st.lists(st.sampled_from([10, 11, 50, 100]), min_size=status == "finished", max_size=3))
        records.append(record(trial, val, status, **draw(points)))
    return table(*records)


@few
@given(tables())
def test_better_trials_come_first_and_diverged_ones_last(search):
    frame = ranking.rank(search, NAMES)
    diverged = frame["status"] == "diverged"
    assert frame["rank"].tolist() == list(range(1, len(frame) + 1))
    assert sorted(frame["trial"]) == list(range(len(frame)))
    assert diverged.is_monotonic_increasing
    order = [(-score, trial) for score, trial in zip(frame["val_acc"], frame["trial"], strict=True)]
    finished = order[: (~diverged).sum()]
    assert finished == sorted(finished)


@few
@given(tables())
def test_csv_gives_back_the_frame(search):
    frame = ranking.rank(search, NAMES)
    reread = ranking.read(ranking.csv(frame))
    pd.testing.assert_frame_equal(reread, frame)
    assert ranking.csv(reread) == ranking.csv(frame)
    assert "\r" not in ranking.csv(frame)


@few
@given(tables(), st.integers(1, 15))
def test_metrics_are_json_and_agree_with_the_frame(search, best):
    frame = ranking.rank(search, NAMES)
    metrics = ranking.metrics(search, frame, best)
    assert json.loads(json.dumps(metrics, allow_nan=False)) == metrics
    leaders = ranking.top(frame, best)
    assert metrics["top"]["size"] == len(leaders) == len(set(ranking.curves(search, frame, best)["trial"]))
    assert metrics["search"]["finished"] + metrics["search"]["diverged"] == len(frame)
