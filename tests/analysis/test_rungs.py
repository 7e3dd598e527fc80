"""What stopping trials spent, and what early scores told."""

from tests.analysis.test_significance import record
from zdl.analysis.best import finished, replicated
from zdl.analysis.rungs import epochs_spent, rungs
from zdl.artifacts.encoding import sealed_json

SEARCH = {"method": "halving", "eta": 2, "min_epochs": 1, "epochs": 4}
CURVES = [[5, 6, 7, 8], [1], [4, 9, 9, 7], [2], [3, 2], [6, 1], [7, 5, 5, 5], [0]]


def trials(curves=CURVES):
    """Trials with these counts of 10 images at each epoch."""
    out = []
    for number, curve in enumerate(curves):
        row = record(number, [True] * curve[-1] + [False] * (10 - curve[-1]))
        row["outcome"]["curve"]["val_correct"] = curve
        out.append({**row, "epochs": len(curve)})
    return out


def test_rungs_by_hand():
    first, second, last = rungs(trials(), SEARCH)
    assert (first.epochs, first.trials, first.stopped, first.best, first.least) == (1, 8, 3, 0.7, 0.3)
    assert (second.epochs, second.trials, second.stopped, second.best, second.least) == (2, 5, 2, 0.9, 0.5)
    assert (last.epochs, last.trials, last.stopped, last.best, last.least) == (4, 3, 3, 0.8, None)
    # Trials 0, 2, 6: at the end 0.8 > 0.7 > 0.5; after one epoch 0.5, 0.4, 0.7; after two 0.6, 0.9, 0.5
    assert (first.pairs, first.same, second.pairs, second.same) == (3, 1, 3, 2)
    assert epochs_spent(trials(), SEARCH) == (3 * 4 + 2 * 2 + 3, 32)


def test_a_search_that_stops_nothing_has_no_rungs():
    assert rungs(trials(), {**SEARCH, "method": "random"}) == []


def test_trials_with_more_epochs_rank_first_and_half_of_the_places_are_for_those_that_were_stopped():
    table = sealed_json({"digest": "d", "trials": trials()})
    assert finished(table) == [0, 2, 6, 4, 5, 3, 1, 7]
    assert replicated(table, 0) == finished(table)  # of any other search
    assert replicated(table, 4) == [0, 2, 4, 5] and replicated(table, 1) == [0]
    assert replicated(table, 7) == [0, 2, 6, 4, 5, 3, 1]  # as there are three others only
    few = sealed_json({"digest": "d", "trials": trials([[1, 2], [3, 4]])})
    assert replicated(few, 4) == [1, 0]
