"""Recommendations on searches whose truth is known, by hand, and for every kind of search and space."""

import copy
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from ruamel.yaml import YAML

from tests.analysis.test_significance import DECAY, LR, configured, generator, record, searched
from tests.search.test_trial_config import ranges as searched_ranges
from zdl.analysis import edits, ranking, recommendations, significance
from zdl.analysis.ranges import grid_points, wider_range
from zdl.config import settings as zs
from zdl.problems.book import HYPERPARAMETERS
from zdl.search.samplers import SAMPLERS, sampler
from zdl.search.samplers.grid import values


def spaced(table, frame, config):
    return recommendations.space(frame, config, significance.contenders(table, frame))


def recommended(config, score, **more):
    return spaced(*searched(config, score, **more), config).set_index("name")


def wider(name, spec, end):
    """The range of one of the book's hyper-parameters with an end further out."""
    return wider_range(spec, end, HYPERPARAMETERS[name].sampling[spec["distribution"]])


def rising(point):
    """Better and better towards lr's upper end, whatever the rest."""
    return 0.1 + 0.7 * (math.log10(point["lr"]) + 6) / 4


@pytest.mark.parametrize("status", ["diverged", "finished"])
def test_of_no_trial_and_of_one_nothing_is_said(status):
    table = {"trials": [record(0, [1, 0], status, lr=0.1)]}
    config = configured({"lr": LR})
    for rows in ([], table["trials"]):
        (row,) = spaced({"trials": rows}, ranking.rank({"trials": rows}, ["lr"]), config).to_dict("records")
        assert (row["advice"], row["falls"], row["effect"]) == ("", "", False)
        assert (row["next_low"], row["next_high"]) == (1e-6, 1e-2)
        assert math.isnan(row["p_groups"]) and math.isnan(row["p_high"])


def test_scores_that_rise_to_an_end_ask_for_more_beyond_it():
    out = recommended(configured({"lr": LR, "weight_decay": DECAY}), rising)
    lr, decay = out.loc["lr"], out.loc["weight_decay"]
    assert (lr["advice"], lr["falls"], lr["wider_low"], lr["wider_high"]) == ("up", "", 1e-6, 0.1)
    assert lr["rho"] > 0.99
    assert lr["importance"] > 0.8
    assert lr["next_high"] == 0.1
    assert 1e-4 < lr["next_low"] <= lr["best_low"]
    assert lr["effect"]
    assert not decay["effect"]
    assert decay["advice"] == ""
    assert math.isnan(decay["wider_high"])
    assert (decay["next_low"], decay["next_high"]) == (1e-8, 1e-4)
    assert decay["importance"] < 0.1
    lesser = out[["p_rho", "p_groups"]].min(axis=1)  # of two tests each; and lr's is the surer of two
    assert decay["p_effect"] == pytest.approx(2 * lesser["weight_decay"], rel=1e-3)
    assert lr["p_effect"] == pytest.approx(4 * lesser["lr"], rel=1e-3)


def test_how_many_trials_a_report_shows_plays_no_part_in_recommendations():
    """The best are a tenth of all, five of few, a quarter of very few."""
    sizes = (100, 1000, 55, 50, 30, 20, 19, 8, 4, 3, 1)
    assert [recommendations.size_of_best(trials) for trials in sizes] == [10, 100, 5, 5, 5, 5, 4, 2, 1, 1, 1]
    out = recommended(configured({"lr": LR}), rising)
    assert out["best"].tolist() == [10]


def noisy(score, seed):
    """Scores as 100 images tell them."""
    rng = generator(seed)
    return lambda point: rng.binomial(100, min(1, max(0, score(point)))) / 100


def advised(score, **more):
    """How often of 40 searches a range is called too narrow, and how often wide enough."""
    outs = [recommended(configured({"lr": LR}), noisy(score, seed), **more).loc["lr"] for seed in range(40)]
    return sum(out["advice"] == "up" for out in outs), sum(out["falls"] == "up" for out in outs)


def peaked(at, width=0.1):
    """Best at a place of lr's range, 0 to 1, and ever worse away from it."""
    return lambda point: 0.85 * math.exp(-((((math.log10(point["lr"]) + 6) / 4 - at) / width) ** 2))


@pytest.mark.parametrize("score", [rising, peaked(1), peaked(1.1), peaked(1.02, 0.2)])
def test_a_range_that_ends_where_scores_still_rise_is_too_narrow(score):
    more, enough = advised(score)
    assert more >= 36 and enough <= 4


@pytest.mark.parametrize("at", [0.88, 0.9, 0.92])
def test_a_range_in_which_scores_fall_before_the_end_is_wide_enough(at):
    more, _ = advised(peaked(at, 0.05))
    assert more <= 4


@pytest.mark.parametrize("share", [0.03, 0.05, 0.1])
def test_no_range_is_widened_into_divergence(share):
    more, _ = advised(rising, diverged=lambda point: point["lr"] > 10 ** (-2 - 4 * share))
    assert more == 0


def test_what_diverges_elsewhere_is_no_reason_against_widening():
    more, _ = advised(rising, diverged=lambda point: point["lr"] < 1e-5)
    assert more >= 36


def test_an_end_at_which_chance_alone_would_put_them_is_left():
    out = recommended(configured({"lr": LR}), lambda point: 0.5)
    assert out["advice"]["lr"] == ""
    assert math.isnan(out["rho"]["lr"])  # equal scores have no order


def test_a_peak_within_is_looked_at_closer():
    config = configured({"lr": LR})
    lr = recommended(config, lambda point: max(0, 0.9 - abs(math.log10(point["lr"]) + 4))).loc["lr"]
    assert lr["advice"] == ""
    assert 1e-5 < lr["next_low"] < lr["best_low"] < 1e-4 < lr["best_high"] < lr["next_high"] < 1e-3
    assert abs(lr["rho"]) < 0.5
    assert lr["p_groups"] < 1e-6


def test_diverged_trials_count_as_worst():
    config = configured({"lr": LR})
    lr = recommended(config, lambda point: 0.5, diverged=lambda point: point["lr"] > 1e-4).loc["lr"]
    assert lr["rho"] < -0.8
    assert lr["best_high"] <= 1e-4


def test_the_chance_of_so_many_at_an_end_by_hand():
    points = np.linspace(0, 1, 21)[1:]  # three of 20 are in the upper tenth: 0.9, 0.95 and 1
    table = {"trials": [record(i, np.arange(100) < 5 * i, momentum=p) for i, p in enumerate(points)]}
    config = configured(
        {"momentum": {"distribution": "uniform", "low": 0.0, "high": 1.0}}, optimizer="momentum"
    )
    row = spaced(table, ranking.rank(table), config).loc[0]
    assert (row["best"], row["at_high"], row["at_low"], row["all_high"]) == (5, 0.6, 0, 0.15)
    assert row["p_high"] == pytest.approx(math.comb(17, 2) / math.comb(20, 5), rel=1e-3)
    assert math.isnan(row["p_low"])  # two are there: if both were among the best, p were 1 in 19
    assert row["advice"] == ""  # so sure, but there is nothing beyond 1


def test_an_end_that_too_few_trials_can_judge_is_not_judged():
    table = {"trials": [record(i, np.arange(100) < 5 * i, lr=10 ** (i / 4 - 6)) for i in range(12)]}
    row = spaced(table, ranking.rank(table), configured({"lr": LR})).loc[0]
    assert (row["best"], row["at_high"], row["advice"]) == (3, 0, "")
    assert math.isnan(row["p_high"])  # no trial is there
    assert row["p_low"] == 1  # two are, of which the best might have been: 10 / comb(12, 3)


def test_widening_of_whole_numbers_stays_inside_the_sampling_bounds():
    spec = {"distribution": "int_uniform", "low": 1, "high": 9}
    assert wider("hidden_depth", spec, "high") == (1, 11)
    assert wider("hidden_depth", spec, "low") == (1, 9)
    assert wider("hidden_depth", {**spec, "low": 50, "high": 60}, "high") == (50, 63)
    assert wider("hidden_depth", {**spec, "low": 50, "high": 64}, "high") == (50, 64)


def test_a_choice_has_groups_and_no_ends():
    options = {"distribution": "choice", "options": ["relu", "sigmoid"]}
    config = configured({"activation": options, "lr": LR})
    out = recommended(config, lambda point: 0.8 if point["activation"] == "relu" else 0.3)
    row = out.loc["activation"]
    assert row["p_groups"] < 1e-10
    assert row["importance"] > 0.9
    assert row["effect"]
    assert row[["low", "best_low", "at_low", "p_low", "wider_low", "rho", "next_low"]].isna().all()


def test_what_plays_no_part_is_left_out():
    space = {
        "optimizer": {"distribution": "choice", "options": ["sgd", "momentum"]},
        "momentum": {"distribution": "uniform", "low": 0.0, "high": 0.9},
        "weight_init": {"distribution": "choice", "options": ["relu", 0.01]},
    }
    out = recommended(configured(space), lambda point: point.get("momentum", 0.95))
    assert out["rho"]["momentum"] > 0.99
    assert out["effect"].tolist() == [True, True, False]


def test_a_grid_of_few_values():
    space = {"lr": {**LR, "points": 5}, "hidden_depth": {"distribution": "int_uniform", "low": 1, "high": 4}}
    space["hidden_depth"]["points"] = 4
    config = configured(space, "grid", trials=20)
    lr = recommended(config, rising).loc["lr"]
    assert (lr["best"], lr["at_high"], lr["all_high"]) == (5, 0.8, 0.2)
    assert lr["p_high"] == pytest.approx(16 / math.comb(20, 5), rel=1e-3)
    assert lr["next_high"] == 0.1


# The ends.


def learned(score, seed=1, trials=40):
    """The recommendations of a Bayesian search in which a point has this score."""
    config = configured({"lr": LR, "weight_decay": DECAY}, "bayes", trials)
    config["search"]["seed"] = seed
    drawn, seen = noisy(score, seed), []
    while len(seen) < trials:
        seen += [(point, drawn(point)) for point, _ in sampler(config["search"]).propose(seen, trials)]
    records = [
        record(k, np.arange(100) < round(100 * score), **point) for k, (point, score) in enumerate(seen)
    ]
    frame = ranking.rank({"trials": records}, config["search"]["space"])
    contenders = significance.contenders({"trials": records}, frame)
    return recommendations.space(frame, config, contenders, seen).set_index("name")


def test_a_bayesian_search_that_piles_up_at_an_end_asks_for_more_beyond_it():
    """Nearly all of its trials are there, so a test of whether the best crowd there has no power."""
    out = learned(lambda point: 0.9 * rising(point))
    lr, decay = out.loc["lr"], out.loc["weight_decay"]
    assert lr["all_high"] > 0.5 and lr["piled_high"] > 0.5
    assert (lr["low_end"], lr["high_end"], lr["advice"], lr["wider_high"]) == ("clear", "crowded", "up", 0.1)
    assert lr["effect"] and not decay["effect"]
    assert out[["p_low", "p_high", "p_rho", "p_groups", "p_effect"]].isna().all(axis=None)
    assert decay["advice"] == "" and (decay["next_low"], decay["next_high"]) == (1e-8, 1e-4)


def test_a_bayesian_search_that_found_a_peak_inside_does_not():
    lr = learned(peaked(0.5, 0.15)).loc["lr"]
    assert (lr["low_end"] in ("clear", "unclear"), lr["high_end"], lr["advice"]) == (True, "clear", "")
    assert lr["next_low"] < 1e-4 < lr["next_high"] < 1e-2
    assert (lr["next_low"] == 1e-6) == (lr["low_end"] == "unclear")


def test_a_bayesian_search_that_is_stopped_by_divergence_is_not_widened():
    config = configured({"lr": LR}, "bayes", 30)
    seen = [({"lr": 10 ** (-6 + 0.2 * k)}, 0.3 + 0.03 * k) for k in range(10)]
    seen += [({"lr": 10 ** (-2.2 + 0.01 * k)}, 0.8 + 0.002 * k) for k in range(18)]
    seen += [({"lr": 0.0099}, None), ({"lr": 0.0098}, None)]
    records = [
        record(k, np.arange(100) < 100 * (score or 0), "finished" if score else "diverged", **point)
        for k, (point, score) in enumerate(seen)
    ]
    frame = ranking.rank({"trials": records}, ["lr"])
    row = recommendations.space(frame, config, [0], seen).loc[0]
    assert row["advice"] == "" and row["high_end"] in ("falls", "unclear")


def test_no_range_is_narrowed_towards_an_end_that_may_be_its_best():
    """Of 12 trials two are in the outer tenth: these are the best, which may be chance."""
    places = [0.02, *np.linspace(0.15, 0.85, 9), 0.95, 1.0]
    table = {
        "trials": [record(i, np.arange(100) < 60 + 3 * i, lr=10 ** (4 * p - 6)) for i, p in enumerate(places)]
    }
    row = spaced(table, ranking.rank(table, ["lr"]), configured({"lr": LR})).loc[0]
    assert row["effect"] and row["best_low"] > 1e-4
    assert (row["high_end"], row["advice"]) in (("untested", ""), ("unclear", ""))
    assert (row["next_low"], row["next_high"]) == (1e-6, 1e-2)


@pytest.mark.parametrize("score", [lambda point: 0.75, lambda point: min(0.8, 0.1 + 1.2 * rising(point))])
def test_a_plateau_that_reaches_the_end_is_not_called_too_narrow(score):
    more, _ = advised(score)
    assert more <= 2


def test_few_trials_near_an_end_may_all_lie_on_this_side_of_a_peak():
    found = []
    for seed in range(40):
        config = configured({"lr": LR}, trials=30)
        config["search"]["seed"] = seed
        found.append(recommended(config, noisy(peaked(0.93, 0.06), seed))["advice"]["lr"])
    assert found.count("up") <= 2


# The next ranges.


def shared(config, rows, which="next"):
    edit = edits.edit_of_ranges(config, rows, which)
    return edit.shared, edit.trials


def edited(config, rows, which="next"):
    space = edits.edit_of_ranges(config, rows, which).space
    return {**config, "search": {**config["search"], "space": space}}


def test_shared_are_the_trials_that_a_search_of_the_next_ranges_has_too():
    config = configured({"lr": LR, "weight_decay": DECAY})
    table = spaced(*searched(config, rising), config)
    then = edited(config, table)
    assert then["search"]["space"]["lr"] == {**LR, "low": table["next_low"][0], "high": 0.1}
    today, next_ones = (sampler(each["search"]).propose((), 100) for each in (config, then))
    same = sum(proposal in next_ones for proposal in today)
    assert shared(config, table) == (same, 100)
    assert 0 < same < 50
    wide = edited(config, table, "wider")["search"]["space"]
    assert wide == {"lr": {**LR, "high": 0.1}, "weight_decay": DECAY}
    assert shared(config, table, "wider")[0] > same


def test_all_are_shared_where_nothing_changes():
    config = configured({"lr": LR}, "bayes")
    rows = spaced(*searched(configured({"lr": LR}), lambda point: 0.5), config)
    assert shared(config, rows) == shared(config, rows, "wider") == (100, 100)


@pytest.mark.parametrize("method", SAMPLERS)
def test_shared_of_every_method(method):
    space = {"lr": {**LR, "points": 5} if method == "grid" else LR}
    config = configured(space, method, trials=5 if method == "grid" else 60)
    table, frame = searched(configured({"lr": LR}), rising)
    rows = spaced(table, frame, config)
    in_both, trials = shared(config, rows)
    assert trials == (4 if method == "grid" else 60)  # three steps of the grid, one beyond it
    assert 0 <= in_both < trials
    assert len(significance.budget(table, frame, config)) == 100


@pytest.mark.parametrize("end", ["low", "high"])
@pytest.mark.parametrize("points", [2, 3, 5, 6, 13])
@pytest.mark.parametrize(
    ("name", "spec"),
    [
        ("lr", LR),
        ("lr", {**LR, "low": 3e-5, "high": 7e-3}),
        ("momentum", {"distribution": "uniform", "low": 0.3, "high": 0.55}),
        ("batch_size", {"distribution": "int_uniform", "low": 100, "high": 160}),
    ],
)
def test_a_grid_is_widened_by_whole_steps_and_keeps_its_values(name, spec, points, end):
    spec = {**spec, "points": points}
    low, high = wider(name, spec, end)
    then = {**spec, "low": low, "high": high, "points": grid_points(spec, low, high)}
    assert set(values(spec)) < set(values(then))
    assert then["points"] - points == math.ceil((points - 1) / 4)


def test_a_grid_has_no_step_beyond_its_sampling_bounds():
    spec = {"distribution": "uniform", "low": 0.0, "high": 0.99, "points": 3}
    assert wider("momentum", spec, "high") == (0.0, 0.99) == wider("momentum", spec, "low")


def test_a_closer_look_at_a_grid_halves_its_steps():
    space = {"lr": {**LR, "points": 9}, "weight_decay": {**DECAY, "points": 5}}
    config = configured(space, "grid", trials=45)
    rows = spaced(*searched(config, lambda point: 0.1 + 0.8 * (point["lr"] in (1e-4, 10**-3.5))), config)
    then = edited(config, rows)["search"]["space"]["lr"]
    assert then["points"] <= 9 and then["low"] >= 1e-5 and then["high"] <= 1e-2
    assert {1e-4, float("3.16227766017e-4")} < set(values(then))


def test_an_edit_of_a_grid_counts_the_trials_that_it_keeps():
    space = {"lr": {**LR, "points": 5}, "hidden_depth": {"distribution": "int_uniform", "low": 1, "high": 4}}
    space["hidden_depth"]["points"] = 4
    config = configured(space, "grid", trials=20)
    rows = spaced(*searched(config, rising), config)
    assert edited(config, rows, "wider")["search"]["space"]["lr"] == {**LR, "high": 0.1, "points": 6}
    assert shared(config, rows, "wider") == (20, 24)


TERMS = {"momentum": "momentum", "decay_rate": "rmsprop", "beta1": "adam", "beta2": "adam"}


@effort(max_examples=30, deadline=None)
@given(
    chosen=searched_ranges,
    method=st.sampled_from(["random", "halton", "bayes", "grid"]),
    peak=st.sampled_from([0, 0.02, 0.5, 1]),
    reach=st.sampled_from([1, 30, 10_000]),
)
def test_next_ranges_are_settings(tmp_path_factory, chosen, method, peak, reach):
    name, spec = chosen
    file = tmp_path_factory.getbasetemp() / "next.yaml"
    if method == "grid":
        spec = {**spec, "points": 2 if spec["distribution"] == "int_uniform" else 30}
    config = configured({name: spec}, method, optimizer=TERMS.get(name, "sgd"))
    try:
        config = reloaded(file, config)
    except zs.SettingsError:
        return  # some ranges are too narrow to be searched at all
    places = np.linspace(0, 1, 60)
    values = [value_at(spec, place) for place in places]
    records = [
        record(i, np.arange(1000) < 1000 * max(0, 0.9 - reach * abs(place - peak)), **{name: each})
        for i, (place, each) in enumerate(zip(places, values, strict=True))
    ]
    search = {"trials": records}
    table = spaced(search, ranking.rank(search, [name]), config)
    then = reloaded(file, edited(config, table))["search"]["space"][name]
    wide = table["wider_low"][0], table["wider_high"][0]
    low, high = (spec["low"], spec["high"]) if not table["advice"][0] else wide
    assert low <= then["low"] < then["high"] <= high
    assert table["best_low"][0] >= then["low"]
    assert table["best_high"][0] <= then["high"]
    if table["advice"][0]:
        changed = copy.deepcopy(config)
        changed["search"]["space"][name] |= dict(
            zip(("low", "high"), map(type(spec["low"]), wide), strict=True)
        )
        assert reloaded(file, changed)
        assert wide[0] <= spec["low"] < spec["high"] <= wide[1] and wide != (spec["low"], spec["high"])


def value_at(spec, place):
    low, high = spec["low"], spec["high"]
    if spec["distribution"] == "log_uniform":
        return min(max(low * (high / low) ** place, low), high)
    if spec["distribution"] == "int_uniform":
        return low + int(place * (high - low))
    return min(max(low + place * (high - low), low), high)


def reloaded(file, config):
    search = {name: value for name, value in config["search"].items() if name != "hyperparameters"}
    with file.open("w", encoding="utf-8") as stream:
        YAML(typ="safe", pure=True).dump({**config, "search": search}, stream)
    return zs.load(file)


def test_the_columns_are_the_same_for_every_space():
    one = spaced(*searched(configured({"lr": LR}), rising), configured({"lr": LR}))
    options = configured({"batch_size": {"distribution": "choice", "options": [10, 100]}})
    other = spaced(*searched(options, lambda point: 0.5), options)
    assert list(one) == list(recommendations.SPACE)
    pd.testing.assert_series_equal(one.dtypes, other.dtypes)
