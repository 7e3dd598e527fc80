"""Training on the book's schedule: batches drawn at random, and one evaluation an epoch."""

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zdl import Error
from zdl.nn.history import History, Hits, Say
from zdl.nn.layers import labels
from zdl.nn.network import MultiLayerNet
from zdl.nn.optimizers import Optimizer


class Trainer:
    """Trains `network` in place, on batches of `batch_size` images drawn with replacement from `rng`.

    x_train and x_val are images (n, ...), t_train and t_val are labels (n,) or one-hot rows (n, classes).
    An epoch has iter_per_epoch = max(n / batch_size, 1) updates, and a training int(epochs * iter_per_epoch).
    As in the book, epoch k is evaluated right after its first update, number ceil(k * iter_per_epoch) counted
    from 0, on the first `evaluate_samples` images of each set. The fractions are exact: with floats, batches
    of 5 out of 7 lose an update, and with the book's `%` most epochs are not evaluated unless the batch
    divides n.

    The loss of an update is the loss before it. (The book computes the loss after it, with another forward
    pass.) `say` gets the lines that the book prints.
    """

    def __init__(
        self,
        network: MultiLayerNet,
        x_train: NDArray[Any],
        t_train: NDArray[Any],
        x_val: NDArray[Any],
        t_val: NDArray[Any],
        *,
        epochs: int = 20,
        batch_size: int = 100,
        optimizer: Optimizer,
        evaluate_samples: int | None = None,
        rng: np.random.Generator,
        say: Say | None = None,
    ) -> None:
        if not len(x_train) or not len(x_val):
            raise Error(
                f"images: {len(x_train)} to train on, {len(x_val)} for validation (allowed: 1 or more)"
            )
        self.network, self.optimizer, self.rng = network, optimizer, rng
        self.x_train, self.t_train = x_train, labels(t_train)
        self.x_val, self.t_val = x_val, labels(t_val)
        self.batch_size, self.sample = batch_size, slice(evaluate_samples)
        self.say = say or (lambda line: None)
        per_epoch = max(len(x_train), batch_size)  # images an epoch
        self.max_iter = epochs * per_epoch // batch_size
        # -(-a // b) is ceil(a / b)
        self.evaluations = {-(-k * per_epoch // batch_size) for k in range(epochs)}

    def train(self, start: History | None = None) -> History:
        """Train to the end, or to the first loss that is NaN or infinite: then the training has diverged.

        `start` is the history of the same training with fewer epochs. If it has a state, this training goes
        on from there, with the same results as from the beginning.
        """
        history = History(len(self.t_train[self.sample]), len(self.t_val[self.sample]), self.say)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # the loss shows a divergence
            if start is not None and self._restore(start):
                history = replace(start, say=self.say, final_hits=None)
            for i in range(len(history.loss), self.max_iter):
                rows = self.rng.integers(len(self.x_train), size=self.batch_size)
                loss, grads = self.network.loss_and_gradient(self.x_train[rows], self.t_train[rows])
                if not math.isfinite(loss):
                    history.diverge()
                    return history
                self.optimizer.update(self.network.params, grads)
                history.loss.append(loss)
                self.say(f"train loss:{loss}")
                if i in self.evaluations:
                    self._evaluate(history)
            history.state = self._state()
            self._finish(history)
        return history

    def _arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays that updates change. A trainer restores only a state with the same names."""
        arrays = dict(self.network.params)
        for key, p in self.network.params.items():
            for i, array in enumerate(self.optimizer.memory_of(key, p)):
                arrays[f"{key} {i}"] = array
        return arrays

    def _state(self) -> dict[str, NDArray[Any]]:
        """All that the next update depends on."""
        arrays = {name: array.copy() for name, array in self._arrays().items()}
        rng = json.dumps(self.rng.bit_generator.state)
        return {**arrays, "t": np.array(self.optimizer.t), "rng": np.array(rng)}

    def _restore(self, start: History) -> bool:
        """Restore the state of `start`. Return False if this kind of trainer did not make it."""
        arrays, state = self._arrays(), start.state
        if state.keys() != {*arrays, "t", "rng"}:
            return False
        for name, array in arrays.items():
            array[...] = state[name]
        self.optimizer.t = int(state["t"])
        self.rng.bit_generator.state = json.loads(str(state["rng"]))
        return True

    def _evaluate(self, history: History) -> None:
        sample = self.sample  # validation first: `FastTrainer` reuses the outputs of the training images
        val_hits = self._hits(self.x_val[sample], self.t_val[sample])
        history.evaluate(self._hits(self.x_train[sample], self.t_train[sample]), val_hits)

    def _finish(self, history: History) -> None:
        if math.isfinite(self.network.loss(self.x_val, self.t_val)):
            history.finish(self._hits(self.x_val, self.t_val))
        else:  # the last update diverged
            history.diverge()

    def _hits(self, x: NDArray[Any], t: NDArray[Any]) -> Hits:
        """Whether the network's answer to each image is t (n,)."""
        hits: Hits = self.network.predict(x).argmax(axis=1) == t
        return hits
