"""The history of a training: its evaluations and losses, from which the record of a trial is made."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zdl import Error
from zdl.data.answers import in_hex, probabilities
from zdl.data.scores import ACCURACY

Hits = NDArray[np.bool_]
Say = Callable[[str], object]


@dataclass
class History:
    """Counts of rows that are answered correctly at each evaluation, and the loss of every update.

    A training calls `evaluate` once an epoch. It ends with `finish`, or with `diverge` after a loss that is
    NaN or infinite. `say` gets the lines that the book prints. If a training sets `state`, one with more
    epochs can go on from there.
    """

    train_size: int  # the number of training rows that are evaluated
    val_size: int  # the number of validation rows that are evaluated
    say: Say = lambda line: None
    train_correct: list[int] = field(default_factory=list)
    val_correct: list[int] = field(default_factory=list)
    val_hits: Hits = field(default_factory=lambda: np.zeros(0, bool))  # by row, at the last evaluation
    final_hits: Hits | None = None  # by row of the whole validation set, after the last update
    loss: list[float] = field(default_factory=list)
    diverged: bool = False
    state: Mapping[str, NDArray[Any]] = field(default_factory=dict)  # all that the next update depends on
    score: str = field(default=ACCURACY, init=False)  # `ScoreHistory` is for other scores

    @property
    def epochs(self) -> int:
        """The number of epochs that began: each has one evaluation."""
        return len(self.val_correct)

    @property
    def status(self) -> str:
        return "diverged" if self.final_hits is None else "finished"

    def evaluate(self, train_hits: NDArray[Any], val_hits: NDArray[Any]) -> None:
        """Record whether the answers to the training and the validation rows are right: bool, one per row."""
        self.val_hits = _hits(val_hits, self.val_size)
        self.train_correct.append(int(np.count_nonzero(_hits(train_hits, self.train_size))))
        self.val_correct.append(int(np.count_nonzero(val_hits)))
        train_acc = self.train_correct[-1] / self.train_size
        val_acc = self.val_correct[-1] / self.val_size
        self.say(f"=== epoch:{self.epochs}, train acc:{train_acc}, test acc:{val_acc} ===")

    def finish(self, val_hits: NDArray[Any]) -> None:
        """Record the same for all validation rows, after the last update."""
        if not self.epochs:
            raise Error("train: its history has finish before evaluate (needed: evaluate, once an epoch)")
        self.final_hits = _hits(val_hits, np.size(val_hits))
        self.say("=============== Final Test Accuracy ===============")
        self.say(f"test acc:{np.count_nonzero(val_hits) / len(val_hits)}")

    def diverge(self) -> None:
        """Record that the training diverged: its trial ranks last."""
        self.diverged, self.final_hits = True, None

    def points(self) -> dict[str, Any]:
        """The curve and the final counts of a record. Hits are in hexadecimal, one bit per validation row:
        those at the last point of the curve, and those after the last update."""
        curve = {
            "train_correct": self.train_correct,
            "train_size": self.train_size,
            "val_correct": self.val_correct,
            "val_size": self.val_size,
            "val_hits": np.packbits(self.val_hits).tobytes().hex(),
        }
        final = None
        if self.final_hits is not None:
            final = {
                "val_correct": int(np.count_nonzero(self.final_hits)),
                "val_size": len(self.final_hits),
                "val_hits": np.packbits(self.final_hits).tobytes().hex(),
            }
        return {"curve": curve, "final": final}

    def check_answers(
        self, answers: NDArray[Any], rows: int, classes: int, subject: str = "predictor gives"
    ) -> NDArray[Any]:
        """Return the answers of a predictor (rows, classes). Raises an `Error` if they have another shape."""
        return probabilities(answers, rows, classes, subject)

    def describe_answers(self, answers: NDArray[Any], t: NDArray[Any], classes: int) -> dict[str, Any]:
        """The part of a record about the answers to held-out rows with labels t (n,)."""
        return in_hex(self.check_answers(answers, len(t), classes))


def _hits(hits: NDArray[Any], size: int) -> Hits:
    """Return hits (size,), or raise an `Error` if they are anything else, such as the answers themselves."""
    hits = np.asarray(hits)
    if hits.dtype != bool or hits.shape != (size,):
        actual = f"{hits.dtype} of shape {hits.shape}"
        raise Error(
            f"train: its history is given {actual} (needed: bool of shape {(size,)}, a hit or not by row)"
        )
    return hits
