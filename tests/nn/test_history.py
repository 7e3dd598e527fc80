"""The history of a training, as a problem of one's own keeps it."""

import numpy as np
import pytest

from zdl import Error
from zdl.nn.history import History
from zdl.search.trial import describe

RIGHT = np.array([True, False, True])


def test_a_history_is_counts_and_hits():
    lines = []
    history = History(4, 3, lines.append)
    history.evaluate([True] * 4, RIGHT)
    history.loss += [0.5, 0.25]
    assert (history.epochs, history.status) == (1, "diverged")
    history.finish(~RIGHT)
    assert (history.train_correct, history.val_correct, history.status) == ([4], [2], "finished")
    assert describe(history)["final"] == {"val_correct": 1, "val_size": 3, "val_hits": "40"}
    assert lines[0] == "=== epoch:1, train acc:1.0, test acc:0.6666666666666666 ==="


@pytest.mark.parametrize("loss", [np.nan, np.inf])
def test_the_loss_of_a_training_that_diverged_is_no_number(loss):
    history = History(4, 3)
    history.loss += [0.5, loss]
    assert describe(history)["loss"] == [0.5] and history.status == "diverged"


@pytest.mark.parametrize(
    ("hits", "found"),
    [
        (0.75, "float64 of shape ()"),
        (np.array([3, 0, 7]), "int64 of shape (3,)"),  # answers, and not whether they are right
        (RIGHT[:2], "bool of shape (2,)"),
        (RIGHT[:, None], "bool of shape (3, 1)"),
    ],
)
def test_what_are_no_hits_of_its_rows_is_refused(hits, found):
    with pytest.raises(Error) as error:
        History(4, 3).evaluate([True] * 4, hits)
    assert str(error.value) == (
        f"train: its history is given {found} (needed: bool of shape (3,), a hit or not by row)"
    )


def test_a_training_that_finishes_was_evaluated():
    with pytest.raises(
        Error, match=r"^train: its history has finish before evaluate \(needed: evaluate, once"
    ):
        History(4, 3).finish(RIGHT)


def test_a_share_is_no_hits_at_the_end_either():
    history = History(4, 3)
    history.evaluate([True] * 4, RIGHT)
    with pytest.raises(Error, match="given float64 of shape"):
        history.finish(0.75)
