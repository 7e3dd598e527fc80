"""The history of a training with a score other than accuracy: it gets answers, and scores them."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zdl import Error
from zdl.data.answers import in_hex, numbers, probabilities
from zdl.data.rows import Split
from zdl.data.scores import Score, score_error
from zdl.data.scoring import redrawn, scored
from zdl.nn.history import History


class ScoreHistory(History):
    """Scores at each evaluation, by the scorer that a problem names as its `SCORE`.

    `evaluate` and `finish` take the predictor's answers to the rows of `split`: the probability of each class
    (n, classes) or, in regression, a number for each row (n,).
    """

    def __init__(self, score: str, split: Split, say: Callable[[str], object] = lambda line: None) -> None:
        super().__init__(len(split.t_train), len(split.t_val), say)
        if (text := score_error(score)) or Score(score).counts:
            raise Error(text or "train: its history is a ScoreHistory of accuracy (needed: a History)")
        self.score, self.split = score, split
        self.train_scores: list[float] = []
        self.val_scores: list[float] = []
        self.val_answers: NDArray[Any] | None = None  # at the last evaluation
        self.final_score: float | None = None  # of the validation rows, after the last update
        scored(Score(score), self._best_answers(), split.t_val)  # raises an Error before any training

    def _best_answers(self) -> NDArray[Any]:
        t = self.split.t_val
        return t if Score(self.score).regression else np.eye(len(self.split.classes))[t]

    @property
    def epochs(self) -> int:
        return len(self.val_scores)

    @property
    def status(self) -> str:
        return "diverged" if self.final_score is None else "finished"

    def evaluate(self, train_answers: NDArray[Any], val_answers: NDArray[Any]) -> None:
        """Record the scores of the answers to the training and the validation rows."""
        self.val_answers = np.array(val_answers)  # a copy: the training may reuse the array
        self.train_scores.append(self._scored(train_answers, self.split.t_train))
        self.val_scores.append(self._scored(val_answers, self.split.t_val))
        title = Score(self.score).title
        train, val = self.train_scores[-1], self.val_scores[-1]
        self.say(f"=== epoch:{self.epochs}, train {title}:{train}, test {title}:{val} ===")

    def finish(self, val_answers: NDArray[Any]) -> None:
        """Record the score of the answers to the validation rows, after the last update."""
        if not self.epochs:
            raise Error("train: its history has finish before evaluate (needed: evaluate, once an epoch)")
        self.final_score = self._scored(val_answers, self.split.t_val)
        title = Score(self.score).title
        self.say(f"=============== Final Test {title} ===============")
        self.say(f"test {title}:{self.final_score}")

    def diverge(self) -> None:
        self.diverged, self.final_score = True, None

    def _scored(self, answers: NDArray[Any], t: NDArray[Any]) -> float:
        answers = self.check_answers(answers, len(t), len(self.split.classes), "history is given")
        return scored(Score(self.score), answers, t)

    def points(self) -> dict[str, Any]:
        """The curve of scores and the final score of a record. `val_redrawn` has the scores of bootstrap
        samples of the validation rows at the last point of the curve: what other rows might have given."""
        finished = self.final_score is not None and self.val_answers is not None
        return {
            "curve": {
                "score": self.score,
                "train": self.train_scores,
                "train_size": self.train_size,
                "val": self.val_scores,
                "val_size": self.val_size,
                "val_redrawn": self._redrawn(self.val_answers, self.split.t_val) if finished else [],
            },
            "final": {"val": self.final_score, "val_size": self.val_size} if finished else None,
        }

    def _redrawn(self, answers: NDArray[Any] | None, t: NDArray[Any]) -> list[float | None]:
        return redrawn(Score(self.score), np.asarray(answers), t)

    def check_answers(
        self, answers: NDArray[Any], rows: int, classes: int, subject: str = "predictor gives"
    ) -> NDArray[Any]:
        if Score(self.score).regression:
            return numbers(answers, rows, subject)
        return probabilities(answers, rows, classes, subject)

    def describe_answers(self, answers: NDArray[Any], t: NDArray[Any], classes: int) -> dict[str, Any]:
        """The part of a record about the answers to held-out rows with labels t (n,): the answers (in
        regression, numbers to 6 significant digits), their score, and those of bootstrap samples."""
        answers = self.check_answers(answers, len(t), classes)
        of_rows = (
            {"answers": [float(f"{answer:.6g}") for answer in answers.tolist()]}
            if Score(self.score).regression
            else in_hex(answers)
        )
        return of_rows | {
            "score": scored(Score(self.score), answers, t),
            "redrawn": self._redrawn(answers, t),
        }
