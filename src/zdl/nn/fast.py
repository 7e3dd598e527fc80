"""Train faster. Readers of the chapter can skip this module: results are the same up to rounding.

- The first layer has a dual form, or leaves out the pixels that are zero in every image (`first_layer`).
- An image that was drawn twice for a batch is computed once and counts twice.
- The batch after an evaluation reuses the outputs that the evaluation computed.
- Arrays are allocated once. All parameters are in one array, which the optimizer updates in blocks, so that
  the temporary arrays of an update rule stay in the processor's cache.
"""

import math
from copy import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zdl.nn.first_layer import DualLayer, PixelLayer, dual_pays
from zdl.nn.history import History
from zdl.nn.layers import Array, Labels
from zdl.nn.network import MultiLayerNet
from zdl.nn.optimizers import Optimizer
from zdl.nn.trainer import Trainer
from zdl.nn.update_rules import Scaled, is_elementwise, step_matrix

BLOCK = 16384  # numbers: with gradients, memories and temporary arrays, they fit into the L2 cache


class FastTrainer(Trainer):
    """A `Trainer` that computes the same faster.

    It trains like its base class if the network has another loss or gradient than the book's, if the
    optimizer has made steps before, or if its step does not apply one rule to every number.
    """

    def train(self, start: History | None = None) -> History:
        with np.errstate(all="ignore"):
            fast = self._fast()
        if not fast:
            return super().train(start)
        self.plain = self.network, self.optimizer, self.x_train, self.x_val
        n = len(self.x_train)
        self.network, self.optimizer = fast, fast.optimizer
        self.x_train, self.x_val = np.arange(n), np.arange(n, n + len(self.x_val))
        try:
            return super().train(start)
        finally:
            self._leave()

    def _arrays(self) -> dict[str, Array]:
        first = getattr(self.network, "first", None)
        more = {"products": first.products} if isinstance(first, DualLayer) else {}
        return super()._arrays() | more

    def _restore(self, start: History) -> bool:
        restored = super()._restore(start)
        if restored and len(start.loss) - 1 in self.evaluations:  # its outputs are reused by the next batch
            self.network.predict(self.x_train[self.sample])
        return restored

    def _finish(self, history: History) -> None:
        self._leave()
        super()._finish(history)

    def _leave(self) -> None:
        """Return to the plain network and optimizer, in the state that a plain training would leave."""
        fast = self.network
        if isinstance(fast, _Network):
            self.network, self.optimizer, self.x_train, self.x_val = self.plain
            with np.errstate(all="ignore"):  # after a divergence
                fast.restore(self.network, self.optimizer)

    def _fast(self) -> "_Network | None":
        """The network to train, or None if only a plain training gives the same results.

        It takes images by index: first those of x_train, then those of x_val.
        """
        network, n = self.network, len(self.x_train)
        if type(network) is not MultiLayerNet or not is_elementwise(self.optimizer):
            return None
        samples = [x[self.sample] for x in (self.x_train, self.x_val)]
        X = np.concatenate([x.reshape(len(x), -1) for x in (self.x_train, samples[1])])
        X = X.astype(network.dtype, copy=False)
        W, step = network.params["W1"], step_matrix(self.optimizer)
        evaluated = sum(map(len, samples)) * self.batch_size / max(n, self.batch_size)  # per update
        sizes = (n, len(X)), (int(X.any(axis=0).sum()), len(W))
        dual = step is not None and dual_pays(*sizes, (self.batch_size, evaluated))
        first = DualLayer(X, n, W) if dual else PixelLayer(X, W)
        fast = _Network(network, first, min(n, self.batch_size), max(map(len, samples)))
        images = np.arange(min(n, 4, self.batch_size))
        if not fast.agrees(network, images, self.x_train[images], self.t_train[images]):
            return None
        fast.follow(self.optimizer, step)
        return fast


class _Network(MultiLayerNet):
    """A fast copy of `network` that takes images by index. Its `params` are blocks of all its parameters."""

    def __init__(self, network: MultiLayerNet, first: PixelLayer | DualLayer, batch: int, most: int) -> None:
        self.activation, self.dtype, affines = network.activation, network.dtype, network.affines
        self.weight_decay = self.decay = network.weight_decay
        self.first, self.depth = first, len(affines)
        self.shapes = [*first.shapes, *(a.W.shape for a in affines[1:]), *(a.b.shape for a in affines)]
        self.ends = np.cumsum([math.prod(shape) for shape in self.shapes])
        self.values, self.grads = (np.zeros(self.ends[-1], self.dtype) for _ in range(2))
        (values, self.W, self.b), (grads, self.dW, self.db) = map(self._split, (self.values, self.grads))
        first.begin(values, grads, batch)
        arrays = *(a.W for a in affines[1:]), *(a.b for a in affines)
        for own, array in zip((*self.W, *self.b), arrays, strict=True):
            own[:] = array
        self.out, self.d, self.evaluation_out = (
            [np.empty((n, len(b)), self.dtype) for b in self.b] for n in (batch, batch, most)
        )
        self.transposed = [np.empty(W.shape[::-1], self.dtype) for W in self.W]
        self.ones, self.product = np.ones(batch, self.dtype), np.empty(BLOCK, self.dtype)
        self.zeros = np.zeros(max(batch, most) * max(map(len, self.b)), self.dtype)
        self.params, self.gradients = self._blocks(self.values), self._blocks(self.grads)
        self.factor, self.n_forwarded = 1.0, 0

    def follow(self, optimizer: Optimizer, step: Array | None) -> None:
        """Prepare for `optimizer`. `step` is the matrix of its step, or None if the step is not linear."""
        self.optimizer = copy(optimizer)
        self.memories = [np.zeros_like(self.values) for _ in range(optimizer.memories)]
        blocks = [self._blocks(memory) for memory in self.memories]
        self.optimizer.memory = {key: [block[key] for block in blocks] for key in self.params}
        if step is not None:
            p, g, step = step[0, 0], step[0, -1], step.copy()
            step[:, 0] += self.weight_decay * step[:, -1]
            if not self.memories:
                self.optimizer, self.factor, self.decay = Scaled(step[0, 0], p), g, 0.0
                step[0, -1] = 1
            self.first.follow([self._split(memory)[0] for memory in self.memories], step)

    def restore(self, network: MultiLayerNet, optimizer: Optimizer) -> None:
        """Copy the parameters, the number of steps and the memories to a plain network and optimizer."""
        values, *memories = map(self._by_name, (self.values, *self.memories))
        for name, array in values.items():
            network.params[name][:] = array
        optimizer.t = self.optimizer.t
        optimizer.memory = {name: [memory[name].copy() for memory in memories] for name in network.params}

    def agrees(self, network: MultiLayerNet, images: Labels, x: NDArray[Any], t: Labels) -> bool:
        """Whether `network`, whose code may have been edited, has nearly the same loss and gradient."""
        loss, grads = network.loss_and_gradient(x, t)
        pairs = [(np.array(self.loss_and_gradient(images, t)[0]), np.array(loss))]
        pairs += [(own, grads[name]) for name, own in self._by_name(self.grads).items()]
        rtol = math.sqrt(np.finfo(self.dtype).eps)
        return all(abs(a - b).max() <= rtol * abs(b).max() for a, b in pairs)

    def predict(self, x: NDArray[Any]) -> Array:
        """The scores (n, classes) of images with successive indices x (n,)."""
        out = [a[: len(x)] for a in self.evaluation_out]
        self.first.evaluate(slice(x[0], x[-1] + 1), out[0])
        self._forward(out)
        self.n_forwarded = 0 if x[0] else len(x)  # the next batch can reuse the outputs of these
        return out[-1]

    def loss_and_gradient(self, x: NDArray[Any], t: NDArray[Any]) -> tuple[float, dict[str, Array]]:
        images, index, counts = np.unique(x, return_index=True, return_counts=True)
        out = [a[: len(images)] for a in self.out]
        self.first.read(images)
        if images[-1] < self.n_forwarded:
            for a, b in zip(self.evaluation_out, out, strict=True):
                a.take(images, axis=0, out=b, mode="clip")
        else:
            self.first.forward(out[0])
            self._forward(out)
        self.n_forwarded = 0
        loss = self._loss(out[-1], t[index], counts)
        if self.weight_decay:
            upper = self.values[slice(*self._upper)]
            loss += 0.5 * self.weight_decay * (self.first.square() + float(np.vdot(upper, upper)))
        self._backward(out)
        if self.decay:
            for key, g in self.gradients.items():
                if key[0] == "W":
                    np.add(g, np.multiply(self.params[key], self.decay, out=self.product[: len(g)]), out=g)
        return loss, self.gradients

    @property
    def _upper(self) -> tuple[int, int]:
        """The start and the end of W2, W3, ... in the array of all parameters."""
        return self.ends[len(self.first.shapes) - 1], self.ends[-self.depth - 1]

    def _split(self, flat: Array) -> tuple[list[Array], list[Array], list[Array]]:
        """Views of a flat array: those of the first layer; W2, W3, ...; b1, b2, ..."""
        parts = np.split(flat, self.ends[:-1])
        arrays = [part.reshape(shape) for part, shape in zip(parts, self.shapes, strict=True)]
        first = len(self.first.shapes)
        return arrays[:first], arrays[first : -self.depth], arrays[-self.depth :]

    def _blocks(self, flat: Array) -> dict[str, Array]:
        """The blocks of a flat array, by name. Blocks of weights have names that begin with W."""
        bounds = ("W", 0, self._upper[1]), ("b", self._upper[1], len(flat))
        return {
            f"{kind}{i}": flat[i : min(i + BLOCK, end)]
            for kind, start, end in bounds
            for i in range(start, end, BLOCK)
        }

    def _by_name(self, flat: Array) -> dict[str, Array]:
        """The arrays of the plain network from a flat array, by their names."""
        first, W, b = self._split(flat)
        named = zip("Wb", ([self.first.assemble(first), *W], b), strict=True)
        return {f"{name}{i}": array for name, arrays in named for i, array in enumerate(arrays, start=1)}

    def _forward(self, out: list[Array]) -> None:
        """Compute the scores. out[0] already holds the product of the images with W1."""
        np.add(out[0], self.b[0], out=out[0])
        for i, W in enumerate(self.W):
            self._activate(out[i])
            np.dot(out[i], W, out=out[i + 1])
            np.add(out[i + 1], self.b[i + 1], out=out[i + 1])

    def _activate(self, x: Array) -> None:
        if self.activation == "relu":
            np.maximum(x, self.zeros[: x.size].reshape(x.shape), out=x)  # 0 would take four times as long
        else:
            np.exp(np.negative(x, out=x), out=x)
            np.divide(1, np.add(x, 1, out=x), out=x)

    def _loss(self, scores: Array, t: Labels, counts: Labels) -> float:
        """The cross entropy. Its gradient with respect to the scores, times `factor`, is left in `d[-1]`."""
        y, rows, n = self.d[-1][: len(scores)], np.arange(len(scores)), int(counts.sum())
        np.subtract(scores, scores.max(axis=1, keepdims=True), out=y)
        np.exp(y, out=y)
        y /= y.sum(axis=1, keepdims=True)
        loss = -float(np.log(y[rows, t] + 1e-7) @ counts) / n
        y[rows, t] -= 1
        y *= (counts * (self.factor / n)).astype(self.dtype)[:, None]
        return loss

    def _backward(self, out: list[Array]) -> None:
        n = len(out[0])
        d = self.d[-1][:n]
        for i in reversed(range(len(self.W))):
            np.dot(self.ones[:n], d, out=self.db[i + 1])
            np.dot(out[i].T, d, out=self.dW[i])
            # A product with a transposed view takes a third longer
            np.copyto(self.transposed[i], self.W[i].T)
            d = np.dot(d, self.transposed[i], out=self.d[i][:n])
            if self.activation == "relu":
                np.multiply(d, out[i] > 0, out=d)
            else:
                np.multiply(d, out[i], out=d)
                np.multiply(d, np.subtract(1, out[i], out=out[i]), out=d)
        np.dot(self.ones[:n], d, out=self.db[0])
        self.first.backward(d, self.weight_decay)
