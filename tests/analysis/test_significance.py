"""How far trials can be told apart, and what fewer would have found, where the truth is known."""

import copy
import math

import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML

from tests.config.test_settings import PARAMS
from zdl.analysis import ranking, significance
from zdl.config.hyperparameters import plain
from zdl.config.space import resolve
from zdl.problems.book import HYPERPARAMETERS
from zdl.search.samplers import SAMPLERS, sampler

LR = {"distribution": "log_uniform", "low": 1e-6, "high": 1e-2}
DECAY = {"distribution": "log_uniform", "low": 1e-8, "high": 1e-4}
BASE = YAML(typ="safe", pure=True).load(PARAMS)
BASE["search"]["hyperparameters"] = plain(HYPERPARAMETERS)


def generator(seed=0):
    return np.random.Generator(np.random.PCG64(seed))


def configured(space, method="random", trials=100, **training):
    changed = copy.deepcopy(BASE)
    changed["search"] |= {"space": space, "method": method, "trials": trials, "epochs": 50}
    changed["training"] |= training
    return changed


def record(trial, hits, status="finished", **point):
    """A trial that recognises these validation images (None: it was never evaluated)."""
    n = len(hits) if hits is not None else 100
    correct = [] if hits is None else [int(np.sum(hits))]
    packed = "" if hits is None else np.packbits(np.asarray(hits, dtype=bool)).tobytes().hex()
    curve = {"train_correct": correct, "train_size": n, "val_correct": correct, "val_size": n}
    final = {"val_correct": correct[0], "val_size": n} if status == "finished" else None
    outcome = {"status": status, "curve": {**curve, "val_hits": packed}, "final": final}
    return {"trial": trial, "key": "", "point": point, "outcome": outcome, "result": f"{trial:064x}"}


def searched(config, score, images=100, diverged=lambda point: False):
    """The table and the frame of a search in which a point has this score, from 0 to 1."""
    records, rng = [], generator(9)
    proposals = sampler(config["search"]).propose((), config["search"]["trials"])
    for place, (drawn, number) in enumerate(proposals):
        part = resolve(config, drawn).keys()
        point = {name: drawn[name] for name in drawn if name in part}
        hits = rng.permutation(images) < round(images * score(point))
        status = "diverged" if diverged(point) else "finished"
        records.append(record(place if number is None else number, hits, status, **point))
    table = {"data": "0" * 64, "trials": records}
    return table, ranking.rank(table, config["search"]["space"])


# The leaders.


def test_leaders_by_hand():
    hits = np.zeros((4, 10), dtype=bool)
    hits[0, :8], hits[1, 3:10], hits[2, :7] = True, True, True
    table = {"trials": [record(i, hits[i], lr=0.1) for i in range(4)]}
    table["trials"].append(record(4, np.ones(10, dtype=bool), "diverged", lr=1.0))
    out = significance.leaders(table, ranking.rank(table), 3, generator())
    assert out["trial"].tolist() == [0, 1, 2]
    assert out["tied"].tolist() == [False, True, True]
    assert out["only_first"].tolist()[1:] == [3, 1]
    assert out["only_this"].tolist()[1:] == [2, 0]
    assert out["p_value"].tolist()[1:] == [1, 1]
    assert out.loc[0, ["only_first", "only_this", "p_value", "p_holm"]].isna().all()
    assert out.loc[0, ["low", "high"]].tolist() == pytest.approx([0.490162, 0.943318], abs=1e-6)
    assert out["comes_first"][2] < 0.2 < out["comes_first"][1]  # it never beats the first; the second may


def test_p_values_are_those_of_all_that_finished_however_many_are_shown():
    hits = np.tril(np.ones((100, 100), dtype=bool))[::-1]
    table = {"trials": [record(i, hits[i], lr=0.1) for i in range(100)]}
    frame = ranking.rank(table)
    out = significance.leaders(table, frame, 20, generator())
    assert out["p_value"][19] == float(f"{2 / 2**19:.4g}")
    assert out["p_holm"][19] == pytest.approx(19 * 2 / 2**19, rel=1e-3)  # the 19th greatest of 99
    assert out["p_holm"][11] == pytest.approx(11 * 2 / 2**11, rel=1e-3)
    some = significance.leaders(table, frame, 3, generator())
    pd.testing.assert_frame_equal(some, out.head(3))
    assert significance.contenders(table, frame) == list(range(9))  # 9 * 2 / 2**9 < 0.05 < 8 * 2 / 2**8


def test_contenders_may_be_as_good_as_the_first():
    hits = np.zeros((4, 40), dtype=bool)
    hits[0, :30], hits[1, 2:30], hits[2, 5:10] = True, True, True
    table = {"trials": [record(700 - i, hits[i], lr=0.1) for i in (2, 1, 0, 3)]}
    table["trials"].append(record(900, np.ones(40, dtype=bool), "diverged", lr=1.0))
    assert significance.contenders(table, ranking.rank(table, ["lr"])) == [2, 1]


def test_networks_that_recognise_all_or_nothing_have_a_chance_too():
    table = {"trials": [record(i, np.full(100, i < 2), lr=0.1) for i in range(3)]}
    out = significance.leaders(table, ranking.rank(table), 20, generator())
    assert out["comes_first"].tolist() == [0.5, 0.5, 0]


def test_one_image_proves_no_trial_the_best():
    table = {"trials": [record(i, [i == 0], lr=0.1) for i in range(3)]}
    out = significance.leaders(table, ranking.rank(table), 20, generator())
    assert out["comes_first"].isna().all()


@pytest.mark.parametrize(
    "records",
    [[], [record(0, None, "diverged", lr=0.1)], [record(i, [i] * 9, "diverged", lr=0.1) for i in range(2)]],
)
@pytest.mark.parametrize("method", SAMPLERS)
def test_where_none_finished_there_is_nothing_to_find(records, method):
    table, config = {"trials": records}, configured({"lr": LR}, method)
    frame = ranking.rank(table, ["lr"])
    out = significance.leaders(table, frame, 20, generator())
    assert list(out) == [*significance.LEADERS, *significance.AGAINST]
    assert out.empty
    assert significance.budget(table, frame, config).empty
    assert significance.contenders(table, frame) == []


def test_one_trial():
    table = {"trials": [record(0, [1, 0], lr=0.1)]}
    frame, config = ranking.rank(table, ["lr"]), configured({"lr": LR})
    assert significance.leaders(table, frame, 20, generator())["comes_first"].tolist() == [1]
    assert significance.budget(table, frame, config)["expected"].tolist() == [0.5]


# The budget.


def test_budget_of_a_random_search_goes_by_trial_not_by_rank():
    scores = [0.2, 0.1, 0.4, 0.3, 0.6, 0.5, 0.8, 0.7]
    table = {"trials": [record(i, np.arange(10) < 10 * s, lr=0.1) for i, s in enumerate(scores)]}
    out = significance.budget(table, ranking.rank(table), configured({"lr": LR}))
    assert out["median"].tolist()[:2] == pytest.approx([0.45, 0.5])  # of 0.2, 0.4, 0.6 and 0.8
    assert out["expected"].tolist()[0::7] == pytest.approx([0.45, 0.8])
    assert (out["low"] <= out["expected"]).all()


def test_a_diverged_trial_is_no_find():
    hits = [np.ones(10), np.arange(10) < 5]
    table = {"trials": [record(0, hits[0], "diverged", lr=1.0), record(1, hits[1], lr=0.1)]}
    frame = ranking.rank(table)
    assert significance.budget(table, frame, configured({"lr": LR}))["expected"].tolist() == [0.25, 0.5]
    best = significance.budget(table, frame, configured({"lr": LR}, "halton"))["best"].tolist()
    assert best == pytest.approx([math.nan, 0.5], nan_ok=True)


@pytest.mark.parametrize("method", ["random", "halton"])
def test_a_large_budget_has_rows_at_steps_that_lose_nothing(method, monkeypatch):
    config = configured({"lr": LR}, method, trials=1201)
    table, frame = searched(config, lambda point: min(1, 0.1 - 0.1 * math.log10(point["lr"])))
    budget = significance.budget(table, frame, config)
    monkeypatch.setattr(significance, "EVERY", 10**6)
    every = significance.budget(table, frame, config)
    assert every["trials"].tolist() == list(range(1, 1202))
    pd.testing.assert_frame_equal(budget, every[every["trials"].isin(budget["trials"])])
    sizes = set(budget["trials"])
    assert {*range(1, 257), *range(258, 513, 2), *range(516, 1025, 4), 600, 1201} <= sizes
    assert all(2 * size in sizes for size in sizes if 2 * size <= 1201 and size not in (257, 600))
    assert len(sizes) < 600
    if method == "halton":
        assert set(every["trials"][~every["best"].duplicated()]) <= sizes


@pytest.mark.parametrize(("trials", "rows"), [(1, 1), (2, 2), (256, 256), (257, 257), (10_000, 926)])
def test_a_budget_grows_with_the_logarithm_of_the_trials(trials, rows):
    sizes = np.flatnonzero(significance._has_row(trials)) + 1
    assert len(sizes) == rows
    assert sizes[-1] == trials and max(1, trials // 2) in sizes
    assert {2**k for k in range(trials.bit_length())} <= set(sizes.tolist())
