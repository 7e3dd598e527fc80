"""Training on the book's schedule: mini-batches drawn at random, and the accuracy once an epoch."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zdl import Error
from zdl.nn.layers import labels

if TYPE_CHECKING:
    from zdl.nn.network import MultiLayerNet
    from zdl.nn.optimizers import Optimizer

Hits = NDArray[np.bool_]
AHEAD = 100  # batches drawn in one call: the same numbers as one by one, in less time


@dataclass
class History:
    """What came of a training: counts of correct images at each evaluation, and the loss of every update."""

    train_size: int  # the training images that are evaluated
    val_size: int  # the validation images that are evaluated
    train_correct: list[int] = field(default_factory=list)
    val_correct: list[int] = field(default_factory=list)
    val_hits: Hits = field(default_factory=lambda: np.zeros(0, bool))  # by image, at the last evaluation
    final_hits: Hits | None = None  # by image of the whole validation set, after the last update
    loss: list[float] = field(default_factory=list)

    @property
    def epochs(self) -> int:
        """The epochs begun: each has one evaluation."""
        return len(self.val_correct)

    @property
    def status(self) -> str:
        """finished, or diverged: a loss was NaN or infinite, and nothing was trained or counted after it."""
        return "diverged" if self.final_hits is None else "finished"


class Trainer:
    """Trains `network` in place, on mini-batches of `batch_size` images drawn with replacement from `rng`.

    x_train and x_val are images (n, ...), t_train and t_val their labels (n,) or one-hot rows (n, classes).
    An epoch has iter_per_epoch = max(n / batch_size, 1) updates, and int(epochs * iter_per_epoch) make the
    training. Evaluated is after update ceil(k * iter_per_epoch), counted from 0, for each epoch k: after
    its first update. This is the book's schedule, but in exact fractions (floats lose an update for batch
    5 of 7), and without its gaps where the batch does not divide the images. `evaluate_samples` limits
    the evaluation to the first so many images of each set.

    The loss of an update is that of its own forward pass, before it takes effect; the book makes another
    pass after it, for the log alone. `say` gets the lines that the book prints.
    """

    def __init__(
        self,
        network: "MultiLayerNet",
        x_train: NDArray[Any],
        t_train: NDArray[Any],
        x_val: NDArray[Any],
        t_val: NDArray[Any],
        *,
        epochs: int = 20,
        batch_size: int = 100,
        optimizer: "Optimizer",
        evaluate_samples: int | None = None,
        rng: np.random.Generator,
        say: Callable[[str], object] | None = None,
    ) -> None:
        if not len(x_train) or not len(x_val):
            raise Error(
                f"images: {len(x_train)} to train on, {len(x_val)} for validation (allowed: 1 or more)"
            )
        self.network, self.optimizer, self.rng = network, optimizer, rng
        self.x_train, self.t_train = x_train, labels(t_train)
        self.x_val, self.t_val = x_val, labels(t_val)
        self.batch_size, self.evaluated = batch_size, slice(evaluate_samples)
        self.say = say or (lambda line: None)
        drawn = max(len(x_train), batch_size)  # images an epoch
        self.max_iter = epochs * drawn // batch_size
        self.evaluations = {-(-k * drawn // batch_size) for k in range(epochs)}  # -(-a // b) is ceil(a / b)

    def train(self) -> History:
        """Train to the end, or to the first loss that is NaN or infinite: the history then says diverged.

        The optimizer begins and ends without a memory, as W1's rows stand in another order meanwhile
        (`MultiLayerNet.lit_inputs`).
        """
        history = History(len(self.t_train[self.evaluated]), len(self.t_val[self.evaluated]))
        self.optimizer.reset()
        with (
            np.errstate(over="ignore", invalid="ignore", divide="ignore"),  # a divergence shows in the loss
            self.network.lit_inputs(self.x_train, self.x_val) as (x_train, x_val),
        ):
            seen = False  # whether the network's last pass was of all of x_train: then it is not taken again
            for i, rows in enumerate(self._batches()):
                scores = self.network.recall(rows) if seen else self.network.predict(x_train[rows])
                loss, grads = self.network.backward(scores, self.t_train[rows])
                if not math.isfinite(loss):
                    break
                self.optimizer.update({"all": self.network.params.vector}, {"all": grads.vector})
                history.loss.append(loss)
                self.say(f"train loss:{loss}")
                if i in self.evaluations:
                    self._evaluate(x_train, x_val, history)
                seen = i in self.evaluations and history.train_size == len(x_train)
            else:
                self._finish(x_val, history)
        self.optimizer.reset()
        return history

    def _batches(self) -> Iterator[NDArray[np.int64]]:
        """The rows of every batch."""
        for done in range(0, self.max_iter, AHEAD):
            size = min(AHEAD, self.max_iter - done), self.batch_size
            yield from self.rng.integers(len(self.t_train), size=size)

    def _evaluate(self, x_train: NDArray[Any], x_val: NDArray[Any], history: History) -> None:
        some = self.evaluated
        history.val_hits = self.network.correct(x_val[some], self.t_val[some])
        train_hits = self.network.correct(x_train[some], self.t_train[some])
        history.train_correct.append(int(np.count_nonzero(train_hits)))
        history.val_correct.append(int(np.count_nonzero(history.val_hits)))
        train_acc = history.train_correct[-1] / history.train_size
        val_acc = history.val_correct[-1] / history.val_size
        self.say(f"=== epoch:{history.epochs}, train acc:{train_acc}, test acc:{val_acc} ===")

    def _finish(self, x_val: NDArray[Any], history: History) -> None:
        if math.isfinite(self.network.loss(x_val, self.t_val)):  # or the last update was one too many
            history.final_hits = self.network.correct(x_val, self.t_val)
            self.say("=============== Final Test Accuracy ===============")
            self.say(f"test acc:{np.count_nonzero(history.final_hits) / len(x_val)}")
