"""What holds for every sampler, and how its points become trials."""

import copy
import json
import subprocess
import sys

import pytest
from hypothesis import assume, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from tests.config.test_settings import PARAMS, ROOT
from tests.config.test_settings import load as load_text
from tests.search.test_trial_config import ranges
from zdl.config.checks import PROPOSING
from zdl.config.hyperparameters import plain
from zdl.problems.book import HYPERPARAMETERS
from zdl.search import plan
from zdl.search.distributions import shares
from zdl.search.samplers import HALVINGS, LEARNERS, SAMPLERS, Proposal, learner, sampler

SPACE = {
    "lr": {"distribution": "log_uniform", "low": 1e-6, "high": 1e-2},
    "momentum": {"distribution": "uniform", "low": 0.5, "high": 0.9},
    "batch_size": {"distribution": "int_uniform", "low": 10, "high": 100},
    "optimizer": {"distribution": "choice", "options": ["sgd", "momentum", "adam"]},
}
SPLIT = "5" * 64
DECLARED = plain(HYPERPARAMETERS)


def search(method, seed=42, trials=20, space=SPACE, batch=20):
    """Settings under `search`. Ranges of a grid have three points each; a round has 20 by default."""
    space = copy.deepcopy(space)
    for spec in space.values():
        if method == "grid" and "options" not in spec:
            spec["points"] = 3
    sized = {"trials": trials, "batch": batch, "eta": 2, "min_epochs": 2, "epochs": 16}
    return {"method": method, **sized, "seed": seed, "space": space, "hyperparameters": DECLARED}


def proposed(*args, n=20, history=(), **kwargs):
    return sampler(search(*args, **kwargs)).propose(history, n)


def history(proposals):
    return [(point, 0.5) for point, _ in proposals]


@pytest.mark.parametrize("method", SAMPLERS)
def test_points_hold_values_of_the_space_in_its_order(method):
    for point, _ in proposed(method):
        drawn = {name: value for name, value in point.items() if name != "epochs"}
        assert [name for name in SPACE if name in point] == list(drawn)
        for name, value in drawn.items():
            spec = SPACE[name]
            inside = value in spec["options"] if "options" in spec else spec["low"] <= value <= spec["high"]
            assert inside, (name, value)
            assert type(value) is {"batch_size": int, "optimizer": str}.get(name, float)


@pytest.mark.parametrize("method", ["random", "halton"])
@effort(max_examples=60)
@given(st.lists(ranges, min_size=1, max_size=6, unique_by=lambda each: each[0]), st.integers(0, 2**32))
def test_any_ranges_hold_their_points(method, space, seed):
    for name, spec in space:
        kind = spec["distribution"]
        low, high = shares(kind, DECLARED[name]["sampling"][kind], spec["low"], spec["high"])
        assume(high - low > 1e-6)  # narrower ones are refused
    for point, _ in proposed(method, seed, space=dict(space), n=3):
        for name, spec in space:
            assert spec["low"] <= point[name] <= spec["high"]
            assert type(point[name]) is (int if spec["distribution"] == "int_uniform" else float)
            assert point[name] == float(f"{point[name]:.12g}")


@pytest.mark.parametrize("method", SAMPLERS)
def test_more_append_and_rounds_make_no_difference(method):
    once = proposed(method)
    assert proposed(method, n=8) == once[:8]
    assert proposed(method, n=12, history=history(once[:8])) == once[8:]


@pytest.mark.parametrize("method", SAMPLERS)
def test_one_that_learns_proposes_to_the_end_of_a_round(method):
    searched = sampler(search(method, batch=8))
    first, second = {**dict.fromkeys(PROPOSING, (8, 8)), "halving": (20, 10), "hyperband": (20, 7)}.get(
        method, (20, 20)
    )
    once = searched.propose((), 20)
    assert len(once) == first
    later = searched.propose(history(once), 20)
    assert len(later) == min(second, (searched.size or 40) - first)
    assert searched.propose(history(once + later[:3]), 20)[: len(later) - 3] == later[3:]


@pytest.mark.parametrize("method", LEARNERS)
def test_a_learner_proposes_what_its_rounds_say(method):
    searched, seen = learner(search(method, batch=8)), []
    for number, size in enumerate(searched.rounds):
        proposals = searched.propose(seen, 1000)
        assert len(proposals) == size
        for point, trial in proposals:  # which is what the file of a round is read back to
            if number or method not in PROPOSING:  # whose first round is in the plan
                assert searched.planned(number, 7 if trial is None else trial, point) == (point, trial)
        seen += [(point, 0.5) for point, _ in proposals]


@pytest.mark.parametrize("method", SAMPLERS)
def test_the_seed_decides_what_is_drawn(method):
    assert (proposed(method, seed=43) == proposed(method)) == (method == "grid")  # where nothing is drawn


@pytest.mark.parametrize("method", SAMPLERS)
def test_a_range_or_an_option_alone_is_a_space(method):
    for name, spec in SPACE.items():
        points = [point for point, _ in proposed(method, space={name: spec}, n=3)]
        assert [{*point} - {"epochs"} for point in points] == [{name}] * 3


def test_another_process_proposes_the_same():
    code = (
        "import json, sys; from zdl.search.samplers import sampler; "
        "print(json.dumps([sampler(search).propose((), 20) for search in json.load(sys.stdin)]))"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps([search(method) for method in SAMPLERS]),
        env={"PYTHONHASHSEED": "1", "PYTHONPATH": str(ROOT / "src")},
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert printed.encode().strip() == json.dumps([proposed(method) for method in SAMPLERS]).encode()


# From points to trials.


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    return load_text(tmp_path_factory.mktemp("samplers") / "params.yaml", PARAMS)


def names(settings, *args, **kwargs):
    return [trial.name for trial in plan.trials(settings | {"search": search(*args, **kwargs)}, SPLIT)]


@pytest.mark.parametrize("method", SAMPLERS)
def test_trials_have_names_of_their_own(settings, method):
    trials = plan.trials(settings | {"search": search(method)}, SPLIT)
    assert len({trial.number for trial in trials}) == len({trial.digest for trial in trials}) == 20
    assert all(trial.spec["seed"] == [42, trial.number] for trial in trials)


def test_numbers_of_a_stream_are_places_and_others_are_not(settings):
    for method in SAMPLERS:
        numbers = [trial.number for trial in plan.trials(settings | {"search": search(method)}, SPLIT)]
        if method in ("random", *LEARNERS):  # whose first round it is
            assert numbers == list(range(20))
        else:
            assert all(10**8 <= number < 10**9 for number in numbers)


def test_an_edit_of_training_leaves_the_numbers(settings):
    """Numbers follow from the points alone, so that reports before and after name the same trials."""
    for method in SAMPLERS:
        edited = settings | {"training": settings["training"] | {"epochs": 7}}
        before, after = names(settings, method), names(edited, method)
        assert [name.split("-")[0] for name in before] == [name.split("-")[0] for name in after]
        assert not set(before) & set(after) or method in HALVINGS  # whose first rung has other epochs


def test_a_point_without_a_stream_keeps_its_trial_wherever_it_comes(settings):
    points = [Proposal({"lr": lr}) for lr in (0.1, 0.2, 0.3)]
    first = {trial.name for trial in plan.trials_at(settings, SPLIT, points)}
    assert {trial.name for trial in plan.trials_at(settings, SPLIT, points[::-1])} == first
    assert {trial.name for trial in plan.trials_at(settings, SPLIT, points[1:])} < first


def test_a_point_that_comes_again_is_another_trial(settings):
    repeated = plan.trials_at(settings, SPLIT, [Proposal({"lr": 0.1})] * 3)
    assert len({trial.digest for trial in repeated}) == 3
    first, *rest = (
        plan.trials_at(settings, SPLIT, [Proposal({"lr": 0.1})], repeated[:k])[0] for k in range(3)
    )
    assert [first.name, *(trial.name for trial in rest)] == [trial.name for trial in repeated]


def test_two_points_of_one_number_take_two(settings):
    point = {"lr": 0.1}
    (taken,) = plan.trials_at(settings, SPLIT, [Proposal(point)])
    assert plan.number_of(point, ()) == taken.number
    assert plan.number_of(point, {taken.number}) not in (taken.number, plan.number_of({"lr": 0.2}, ()))


class Nearer:
    """A sampler that learns: it proposes points a little above the best one."""

    size = None
    batch = 4

    def __init__(self, search):
        self.first = sampler(search | {"method": "random"})

    def propose(self, history, n):
        if not history:
            return self.first.propose((), n)
        best = max((score, point["lr"]) for point, score in history if score is not None)[1]
        return [Proposal({"lr": best * (1 + (k + 1) / 10)}) for k in range(n)]


def test_a_sampler_that_learns_is_one_class_and_an_entry(settings, monkeypatch):
    """Like the Bayesian search, it begins with a round of the random search and then follows scores."""
    monkeypatch.setitem(SAMPLERS, "nearer", Nearer)
    space = {"lr": {"distribution": "uniform", "low": 0.1, "high": 1.0}}
    config = settings | {"search": search("nearer", space=space)}
    rounds = []
    for _ in range(3):
        scored = [(trial.point, None if trial.point["lr"] > 1 else trial.point["lr"]) for trial in rounds]
        rounds += plan.trials_at(config, SPLIT, sampler(config["search"]).propose(scored, 4), rounds)
    random = plan.trials(settings | {"search": search("random", space=space, trials=4)}, SPLIT)
    assert [trial.name for trial in rounds[:4]] == [trial.name for trial in random]
    assert len({trial.number for trial in rounds}) == 12
