"""Checkpoints: what they hold, and which trainings have one."""

import numpy as np
import pytest

from zdl.nn.history import History
from zdl.search.checkpoint import course, decode, encode, epochs, goes_on

SPEC = {"seed": [1, 2], "config": {"lr": 0.1, "epochs": 5}, "split": "s", "code": "c"}


def history(**others):
    made = History(2, 3, state={"W": np.eye(2), "rng": np.array("x")}, loss=[0.1, 1 / 3])
    made.evaluate([True, False], [True] * 3)
    made.finish([True] * 3)
    for name, value in others.items():
        setattr(made, name, value)
    return made


def test_a_checkpoint_holds_the_history_to_the_last_bit():
    made, read = history(), decode(encode(history(), "0" * 64))
    assert (read.loss, read.train_correct, read.val_correct) == ([0.1, 1 / 3], [1], [3])
    assert (read.train_size, read.val_size) == (2, 3) and read.val_hits.tolist() == [True] * 3
    assert read.state.keys() == {"W", "rng"} and str(read.state["rng"]) == "x"
    np.testing.assert_array_equal(read.state["W"], made.state["W"])


@pytest.mark.parametrize("made", [history(state={}), history(diverged=True, final_hits=None)])
def test_a_training_that_left_no_state_or_diverged_has_none(made):
    assert encode(made, "0" * 64) is None
    assert encode(history(), "") is None  # and where nobody keeps it


def test_only_the_number_of_epochs_is_not_part_of_a_course():
    assert epochs(SPEC) == 5 and epochs({"config": {"lr": 0.1}}) is None
    longer = {**SPEC, "config": {"lr": 0.1, "epochs": 6}}
    others = [{**SPEC, "code": "d"}, {**SPEC, "seed": [1, 3]}, {**SPEC, "config": {"lr": 0.2, "epochs": 5}}]
    assert course(longer) == course(SPEC) and len({course(SPEC), *map(course, others)}) == 4


def test_a_training_goes_on_if_it_takes_a_start():
    assert goes_on(lambda config, split, rng, say, start=None: None)
    assert not goes_on(lambda config, split, rng, say: None)
