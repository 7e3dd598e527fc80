"""Successive halving and Hyperband, by hand."""

import copy
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.search.test_samplers import search
from zdl.search.samplers import sampler
from zdl.search.samplers.halving import best, lengths


def halving(trials=9, eta=3, min_epochs=2, epochs=18, method="halving"):
    settings = search(method, trials=trials)
    return sampler({**settings, "eta": eta, "min_epochs": min_epochs, "epochs": epochs})


def play(searched, score):
    """All proposals of a search, by rung, if `score(trial, epochs)` is what trials score."""
    seen, rungs = [], []
    while proposals := searched.propose(seen, 10**6):
        rungs.append([(trial, point["epochs"]) for point, trial in proposals])
        seen += [(point, score(trial, point["epochs"])) for point, trial in proposals]
    return rungs


@pytest.mark.parametrize(
    ("least", "most", "eta", "expected"),
    [
        (2, 50, 3, [2, 6, 18, 50]),
        (1, 27, 3, [1, 3, 9, 27]),
        (1, 28, 3, [1, 3, 9, 27, 28]),
        (10, 50, 2, [10, 20, 40, 50]),
        (49, 50, 100, [49, 50]),
    ],
)
def test_each_rung_has_eta_times_the_epochs_and_the_last_one_all(least, most, eta, expected):
    assert lengths(least, most, eta) == expected


def test_the_best_third_goes_on():
    scores = {2: [5, 9, 1, 8, 0, 7, 2, 3, 4], 6: [0, 3, 0, 2, 0, 9, 0, 0, 0], 18: [0] * 9}
    rungs = play(halving(), lambda trial, epochs: scores[epochs][trial])
    assert rungs == [[(trial, 2) for trial in range(9)], [(1, 6), (3, 6), (5, 6)], [(5, 18)]]


def test_of_equal_scores_the_first_and_of_diverged_ones_only_if_there_is_no_other():
    assert best({0: 1.0, 1: 2.0, 2: 2.0, 3: 2.0}, 2) == [1, 2]
    assert best({0: None, 1: 0.0, 2: None, 3: 0.5}, 3) == [3, 1, 0]


@pytest.mark.parametrize(("trials", "sizes"), [(100, [100, 33, 11]), (10, [10, 3, 1]), (2, [2, 1, 1])])
def test_a_rung_has_a_third_of_the_trials_rounded_down_and_never_none(trials, sizes):
    assert halving(trials).rounds == sizes


def test_points_and_numbers_are_those_of_the_random_search():
    proposed = halving(epochs=6, min_epochs=5).propose((), 9)
    for (point, number), (drawn, trial) in zip(
        proposed, sampler(search("random")).propose((), 9), strict=True
    ):
        assert (point, number) == ({**drawn, "epochs": 5}, trial)


def test_brackets_of_hyperband_have_the_shares_of_the_paper():
    """For eta = 3 and 27 times the epochs: n = 27, 12, 6, 4 (Li et al., table 1 for R = 81, without its
    first bracket: 81, 34, 15, 8, 5)."""
    searched = halving(method="hyperband", trials=1000, min_epochs=1, epochs=81)
    paper = [81, 34, 15, 8, 5]
    counts = [searched.bracket.count(bracket) for bracket in range(5)]
    for count, n in zip(counts, paper, strict=True):
        assert count == pytest.approx(1000 * n / sum(paper), abs=10)


def test_each_bracket_begins_a_rung_later_and_none_has_more_than_all_epochs():
    searched = halving(method="hyperband", trials=20)  # rungs of 2, 6, 18 epochs
    rungs = play(searched, lambda trial, epochs: -trial)
    bracket = searched.bracket
    assert [trial for trial, _ in rungs[0]] == list(range(20)) and {*bracket} == {0, 1, 2}
    for number, rung in enumerate(rungs):
        assert [epochs for trial, epochs in rung] == [
            (2, 6, 18)[bracket[trial] + number] for trial, _ in rung
        ]
    for b in range(2):
        members = [trial for trial in range(20) if bracket[trial] == b]
        went_on = [trial for trial, _ in rungs[1] if bracket[trial] == b]
        assert went_on == members[: len(members) // 3]
    assert all(bracket[trial] == 0 for trial, _ in rungs[2])


@given(st.integers(1, 60), st.integers(1, 20), st.sampled_from(["halving", "hyperband"]), st.randoms())
def test_more_trials_are_appended_and_each_one_that_goes_on_was_there(trials, more, method, random):
    before = halving(trials, eta=2, min_epochs=1, epochs=9, method=method)
    after = halving(trials + more, eta=2, min_epochs=1, epochs=9, method=method)
    assert after.propose((), trials) == before.propose((), trials)
    rungs = play(after, lambda trial, epochs: random.choice([None, 0.1, 0.2, 0.3]))
    assert [len(rung) for rung in rungs] == after.rounds
    for earlier, later in itertools.pairwise(rungs):
        assert {trial for trial, _ in later} <= {trial for trial, _ in earlier}
        assert all(epochs > dict(earlier)[trial] for trial, epochs in later)


@pytest.mark.parametrize("trial", [-1, 9, 10**9, "1", None])
def test_a_round_has_no_other_trial(trial):
    with pytest.raises((ValueError, TypeError)):
        halving().planned(1, trial, {})


def test_settings_of_other_methods_change_nothing():
    settings = search("halving")
    other = copy.deepcopy(settings) | {"batch": 3}
    assert sampler(other).propose((), 20) == sampler(settings).propose((), 20)
