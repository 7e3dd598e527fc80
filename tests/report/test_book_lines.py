"""The best trials in the book's words."""

from tests.analysis.test_ranking import SEARCH, record, table
from zdl.analysis import ranking
from zdl.report.book_lines import best_lines


def test_best_lines_are_the_books():
    frame = ranking.rank(SEARCH)
    assert best_lines(frame, 1) == ["Best-1(val acc:0.83) | lr:0.0092, weight decay:3.86e-07"]
    assert best_lines(frame)[3:] == [
        "Best-4(val acc:0.99, diverged) | lr:0.5, weight decay:0.0001",
        "Best-5(val acc:nan, diverged) | lr:1, weight decay:1e-08",
    ]


def test_a_hyper_parameter_that_plays_no_part_is_a_dash():
    frame = ranking.rank(table(record(0, [20], optimizer="sgd")), names=["momentum", "optimizer", "beta1"])
    assert best_lines(frame)[0].endswith("momentum:–, optimizer:sgd, beta1:–")
