"""The first layer of a fast training: in dual form where that pays, and without dark pixels elsewhere.

SGD, Momentum and Nesterov are linear: what a step leaves of an array p and of its velocity is a sum of
multiples of p, the velocity and the gradient g. The gradient of W1 is a sum of images: X[batch]^T d, if d is
the gradient of the layer's output. So, with all images as the rows of X,

    W1 = c W1_0 + X_train^T A    where W1_0 are the initial weights, c is a number, and A has a row an image;
    Z = X W1                     is all that the network sees of W1;
    K = X_train X^T              is computed once;

and a step of W1 is the same step, by the optimizer's own rule, of

    Z, with the gradient K[batch]^T d + weight_decay Z,
    A, with the gradient d in the rows of the batch, + weight_decay A,
    c, with the gradient weight_decay c.

The loss needs |W1|^2. It is one of the inner products of W1, its velocity V and its gradient G, and a step,
which makes sums of those three, makes sums of their inner products:

    <W1, G> = <Z[batch], d>,  <V, G> = <Z of V[batch], d>,  <G, G> = <(K[batch]^T d)[batch], d>.
"""

import numpy as np

from zdl.nn.layers import Array, Labels

STEP = 16  # the cost of a step for one number, in multiplications of a matrix product


class PixelLayer:
    """The first layer for images X, and W at first. Pixels that are zero in all X come last in its own W."""

    def __init__(self, X: Array, W: Array) -> None:
        dark = ~X.any(axis=0)
        self.x, self.shapes = X.compress(~dark, axis=1), [W.shape]
        self.order, self.initial = np.argsort(dark, kind="stable"), W

    def begin(self, values: list[Array], grads: list[Array], batch: int) -> None:
        self.W, self.dW = values[0], grads[0]
        self.W[:] = self.initial[self.order]
        self.lit = slice(self.x.shape[1])
        self.buffer = np.empty((batch, self.lit.stop), self.x.dtype)

    def follow(self, memories: list[list[Array]], step: Array) -> None:
        pass

    def assemble(self, values: list[Array]) -> Array:
        W = np.empty_like(self.W)
        W[self.order] = values[0]
        return W

    def square(self) -> float:
        return float(np.vdot(self.W, self.W))

    def read(self, images: Labels) -> None:
        self.batch = self.x.take(images, axis=0, out=self.buffer[: len(images)], mode="clip")

    def forward(self, out: Array) -> None:
        np.dot(self.batch, self.W[self.lit], out=out)

    def evaluate(self, images: slice, out: Array) -> None:
        np.dot(self.x[images], self.W[self.lit], out=out)

    def backward(self, d: Array, weight_decay: float) -> None:
        np.dot(self.batch.T, d, out=self.dW[self.lit])  # the other rows are zero, but for the weight decay
        self.dW[self.lit.stop :] = 0


class DualLayer:
    """The first layer for images X, of which the first n are for training, and initial weights W."""

    def __init__(self, X: Array, n: int, W: Array) -> None:
        self.x, self.W, self.X = X[:n], W.copy(), X
        self.K = (X @ X.T)[:n]  # NumPy computes half of such a product
        self.shapes: list[tuple[int, ...]] = [(len(X), W.shape[1]), (n, W.shape[1]), (1,)]  # of Z, A and c

    def begin(self, values: list[Array], grads: list[Array], batch: int) -> None:
        """Use these arrays for Z, A, c and for their gradients, with batches of at most so many images."""
        (self.Z, _, c), (self.dZ, self.dA, self.dc) = values, grads
        np.matmul(self.X, self.W, out=self.Z)
        c[:] = 1
        self.K_batch = np.empty((batch, len(self.Z)), self.Z.dtype)
        self.follow([], np.eye(1, 2))

    def follow(self, memories: list[list[Array]], step: Array) -> None:
        """Prepare for steps of this matrix, weight decay included, with these memories of Z, A and c."""
        self.Zs, self.step = [self.Z, *(Z for Z, _, _ in memories)], step
        self.products = np.zeros((len(self.Zs) + 1,) * 2)  # of W, its memories and its gradient
        self.products[0, 0] = np.vdot(self.W, self.W)

    def assemble(self, values: list[Array]) -> Array:
        """W1, its gradient or a memory of it, for Z, A and c of that."""
        _, A, c = values
        W: Array = self.x.T @ A
        W += c * self.W
        return W

    def square(self) -> float:
        return float(self.products[0, 0])

    def read(self, images: Labels) -> None:
        """What follows is for this batch, in which no image is twice."""
        self.images, self.k = images, self.K_batch[: len(images)]
        self.K.take(images, axis=0, out=self.k, mode="clip")

    def forward(self, out: Array) -> None:
        self.Z.take(self.images, axis=0, out=out, mode="clip")

    def evaluate(self, images: slice, out: Array) -> None:
        out[:] = self.Z[images]

    def backward(self, d: Array, weight_decay: float) -> None:
        np.dot(self.k.T, d, out=self.dZ)
        self.dA[:] = 0
        self.dc[:] = 0
        self.dA[self.images] = d
        if weight_decay:  # else nobody needs |W1|^2
            products, arrays = self.products, [*self.Zs, self.dZ]
            products[-1] = products[:, -1] = [np.vdot(Z.take(self.images, axis=0), d) for Z in arrays]
            products[:-1, :-1] = self.step @ products @ self.step.T


def dual_pays(images: tuple[int, int], pixels: tuple[int, int], batch: tuple[int, float]) -> bool:
    """Whether an update in dual form needs fewer multiplications for each output of the layer.

    images: how many to train on, and in all. pixels: how many are not zero in all images, and in all. batch:
    its size, and how many images are evaluated per update. What is computed once does not count: a training
    with more epochs goes on from one with fewer, so both are to have the same form.
    """
    (n, N), (lit, d), (batch_size, evaluated) = images, pixels, batch
    n_distinct = n - n * (1 - 1 / n) ** batch_size  # images of a batch, on average
    return n_distinct * N + STEP * (N + n) < 2 * n_distinct * lit + STEP * d + evaluated * lit
