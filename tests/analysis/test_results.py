"""The analysis calls a trial by its place in the search, whatever number names its files."""

from zdl.analysis.best import best_trial
from zdl.analysis.outcomes import replicates_by_trial
from zdl.artifacts.encoding import sealed_json


def test_replicates_are_of_a_place():
    trials = [{"trial": number} for number in (900000001, 0, 450000000)]
    a, b, c = ({"outcome": outcome} for outcome in "abc")
    found = ((450000000, a), (450000000, b), (0, c), (None, None))
    files = [sealed_json({"digest": "", "trial": trial, "replicate": each}) for trial, each in found]
    assert [*replicates_by_trial(files, trials).items()] == [(2, ["a", "b"]), (1, ["c"])]


def test_files_are_those_of_a_number_and_ties_stay_in_the_order_of_the_search():
    curve = {"val_correct": [5], "val_size": 10}
    outcomes = ("finished", "finished", "diverged")
    trials = [
        {"trial": number, "outcome": {"status": status, "curve": curve}}
        for number, status in zip((700, 200, 900), outcomes, strict=True)
    ]
    table = sealed_json({"digest": "", "trials": trials})
    assert [best_trial(table, place) for place in (1, 2, 3)] == [700, 200, None]
