"""The book's network: affine layers with an activation between them, softmax on top, and L2 weight decay.

network = MultiLayerNet(784, [100, 100], 10, rng=np.random.default_rng(0))
loss, grads = network.loss_and_gradient(x, t)
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from zdl import Error
from zdl.artifacts.encoding import sealed_npz
from zdl.nn.layers import Affine, Array, Labels, Relu, Sigmoid, SoftmaxWithLoss, labels

ACTIVATIONS: dict[str, type[Relu] | type[Sigmoid]] = {"relu": Relu, "sigmoid": Sigmoid}
WEIGHTS = "zdl weights"  # what a file of weights says it is
VARIANCES = {"relu": 2.0, "he": 2.0, "sigmoid": 1.0, "xavier": 1.0}  # of the initial weights, times n


class Parameters(dict[str, Array]):
    """Arrays of a network's shape by the book's names: W1 (sizes[0], sizes[1]), b1 (sizes[1],), W2, ...

    All are views of one `vector`, the weights before the biases: what is done to all numbers alike (an
    optimizer's step, weight decay) takes one call on `vector` or `weights` instead of one an array.
    """

    def __init__(self, sizes: Sequence[int], dtype: DTypeLike) -> None:
        self.shapes = list(pairwise(sizes))
        self.vector: Array = np.zeros(sum(n * m + m for n, m in self.shapes), dtype)
        self.look()

    def look(self) -> None:
        """Make every array a view of `vector`."""
        count = sum(n * m for n, m in self.shapes)
        self.weights = W = self.vector[:count]
        b = self.vector[count:]
        for i, (n, m) in enumerate(self.shapes, start=1):
            self[f"W{i}"], W = W[: n * m].reshape(n, m), W[n * m :]
            self[f"b{i}"], b = b[:m], b[m:]


class MultiLayerNet:
    """A fully connected network that tells `output_size` classes apart.

    `params` holds its arrays by the book's names: W1 (input_size, hidden_sizes[0]), b1, W2, ... They are
    the layers' own: change them in place. Initial weights are `rng`'s normal numbers, W1 first, times
    sqrt(2/n) for n inputs of the layer (`weight_init` relu or he: He et al., arXiv:1502.01852), sqrt(1/n)
    (sigmoid or xavier: Glorot and Bengio, AISTATS 2010) or a number; biases start at zero. The loss is the
    cross entropy plus 0.5 * weight_decay * sum(W**2) over all weights, biases excluded. All arithmetic is
    in `dtype`, float64 or float32.
    """

    def __init__(
        self,
        input_size: int,
        hidden_sizes: Sequence[int],
        output_size: int,
        *,
        activation: str = "relu",
        weight_init: str | float = "relu",
        weight_decay: float = 0.0,
        dtype: DTypeLike = np.float64,
        rng: np.random.Generator,
    ) -> None:
        if activation not in ACTIVATIONS:
            raise Error(f"activation: {activation!r} is not known (allowed: {', '.join(ACTIVATIONS)})")
        self.activation, self.weight_decay, self.dtype = activation, float(weight_decay), np.dtype(dtype)
        sizes = [input_size, *hidden_sizes, output_size]
        self.params, self.grads = Parameters(sizes, self.dtype), Parameters(sizes, self.dtype)
        self.affines: list[Affine] = []
        self.layers: list[Affine | Relu | Sigmoid] = []  # the affine layers, and the activations between them
        for i, (n, m) in enumerate(pairwise(sizes), start=1):
            W, b = self.params[f"W{i}"], self.params[f"b{i}"]
            W[:] = _scale(weight_init, n) * rng.standard_normal((n, m))
            self.affines.append(Affine(W, b))
            self.layers += [self.affines[-1], ACTIVATIONS[activation]()]
        self.layers.pop()  # the last layer's scores go to softmax as they are
        self.last_layer = SoftmaxWithLoss()
        self._bind()

    def _bind(self) -> None:
        """Let the layers work on the arrays of `params` and `grads`."""
        for i, affine in enumerate(self.affines, start=1):
            affine.W, affine.b = self.params[f"W{i}"], self.params[f"b{i}"]
            affine.dW, affine.db = self.grads[f"W{i}"], self.grads[f"b{i}"]

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Of a copy: what was one array by several names was copied once for each of them."""
        self.__dict__.update(state)
        for arrays in (self.params, self.grads):
            arrays.look()
        self._bind()

    def predict(self, x: NDArray[Any]) -> Array:
        """Scores (n, output_size) of the images x (n, ...): the greatest is the answer, softmax makes
        probabilities of them."""
        out: Array = np.asarray(x, self.dtype)
        for layer in self.layers:
            out = layer.forward(out)
        self.scores = out
        return out

    def recall(self, rows: Labels) -> Array:
        """The scores of those rows of the images that `predict` saw last, without another pass: it is as if
        it had seen no others."""
        for layer in self.layers:
            layer.narrow(rows)
        self.scores = self.scores[rows]
        return self.scores

    def loss(self, x: NDArray[Any], t: NDArray[Any]) -> float:
        """The loss of x (n, ...) for t, n labels or one-hot rows, weight decay included."""
        return self._loss(self.predict(x), t)

    def _loss(self, scores: Array, t: NDArray[Any]) -> float:
        cross_entropy = self.last_layer.forward(scores, t)
        if not self.weight_decay:
            return cross_entropy
        weights = self.params.weights
        return cross_entropy + 0.5 * self.weight_decay * float(np.vdot(weights, weights))

    def correct(self, x: NDArray[Any], t: NDArray[Any]) -> NDArray[np.bool_]:
        """Which of the images x (n, ...) get the class that t says: n times true or false."""
        hits: NDArray[np.bool_] = self.predict(x).argmax(axis=1) == labels(t)
        return hits

    def accuracy(self, x: NDArray[Any], t: NDArray[Any]) -> float:
        """The share of the images that get the right class."""
        return float(self.correct(x, t).mean())

    def gradient(self, x: NDArray[Any], t: NDArray[Any]) -> dict[str, Array]:
        """The gradient of the loss by every array of `params`, under the same names."""
        return self.loss_and_gradient(x, t)[1]

    def loss_and_gradient(self, x: NDArray[Any], t: NDArray[Any]) -> tuple[float, dict[str, Array]]:
        """Both, from one pass forward and one back: the way back needs that pass forward anyway."""
        loss, grads = self.backward(self.predict(x), t)
        return loss, {key: grad.copy() for key, grad in grads.items()}

    def backward(self, scores: Array, t: NDArray[Any]) -> tuple[float, Parameters]:
        """The loss and its gradient for the scores that `predict` or `recall` gave last.

        The gradient is `grads`, the network's own: the next call overwrites it.
        """
        loss = self._loss(scores, t)
        dout = self.last_layer.backward()
        for layer in self.layers[:0:-1]:
            dout = layer.backward(dout)
        first = self.affines[0]
        first.differentiate(dout)
        self.grads["W1"][len(first.W) :] = 0  # the inputs that are dark, within `lit_inputs`
        self.grads.weights += self.weight_decay * self.params.weights
        return loss, self.grads

    def numerical_gradient(self, x: NDArray[Any], t: NDArray[Any]) -> dict[str, Array]:
        """What `gradient` must give, found by trying: slow, and for float64 only. For tests."""
        return {key: numerical_gradient(lambda _: self.loss(x, t), p) for key, p in self.params.items()}

    @contextmanager
    def lit_inputs(self, *images: NDArray[Any]) -> Iterator[list[Array]]:
        """Skip, for a while, the inputs that are zero in every image: three in ten of MNIST's pixels.

        Gives `images` without them, (n, lit) each in the network's dtype, and until the end the network
        takes such images only. The lit rows of W1 come first meanwhile, so that the first layer works on a
        plain view of them. Nothing is approximated: the sums of its products lose terms that are zero, and
        a dark input's weights have no gradient but their weight decay, which they still get.
        """
        flat = [x.reshape(len(x), -1) for x in images]
        lit = np.logical_or.reduce([x.any(axis=0) for x in flat])
        order = np.argsort(~lit, kind="stable")
        W1, dW1, first = self.params["W1"], self.grads["W1"], self.affines[0]
        W1[:] = W1[order]
        first.W, first.dW = W1[: np.count_nonzero(lit)], dW1[: np.count_nonzero(lit)]
        try:
            yield [x.compress(lit, axis=1).astype(self.dtype, copy=False) for x in flat]
        finally:
            W1[order] = W1.copy()
            first.W, first.dW = W1, dW1

    def to_bytes(self) -> bytes:
        """The contents of a .npz file (no pickle): `params`, and what else `zdl.analysis.weights.load`
        needs."""
        return sealed_npz({**self.params, "activation": np.array(self.activation)}, WEIGHTS)


def numerical_gradient(f: Callable[[Array], float], x: Array) -> Array:
    """The gradient of f at x by central differences, (f(x + h) - f(x - h)) / 2h with the book's h = 1e-4.

    x changes in place during the calls, and is restored after each.
    """
    h = 1e-4
    grad = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        value = x[i]
        x[i] = value + h
        above = f(x)
        x[i] = value - h
        below = f(x)
        x[i] = value
        grad[i] = (above - below) / (2 * h)
    return grad


def _scale(weight_init: str | float, n: int) -> float:
    """The standard deviation of a layer's initial weights, for its n inputs."""
    if not isinstance(weight_init, str):
        return float(weight_init)
    if weight_init.lower() not in VARIANCES:
        raise Error(f"weight_init: {weight_init!r} is not known (allowed: {', '.join(VARIANCES)}, a number)")
    return math.sqrt(VARIANCES[weight_init.lower()] / n)
