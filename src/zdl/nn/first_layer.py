"""The first layer of a fast training: in dual form if that is faster, else without dark pixels.

SGD, Momentum and Nesterov are linear: a step replaces an array p and its velocity by linear combinations of
p, the velocity and the gradient g. The gradient of W1 is a linear combination of images: X[batch]^T d, where
d is the gradient of the loss with respect to the layer's output. With all images as the rows of X,

    W1 = c W1_0 + X_train^T A    where W1_0 are the initial weights, c is a number, and A has a row per image;
    Z = X W1                     is all that the network needs of W1;
    K = X_train X^T              is computed once.

A step of W1 is then the same step, by the optimizer's own rule, of

    Z, with the gradient K[batch]^T d + weight_decay Z,
    A, with the gradient d in the rows of the batch, + weight_decay A,
    c, with the gradient weight_decay c.

The loss needs |W1|^2. It is one of the inner products of W1, its velocity V and its gradient G. A step forms
linear combinations of these three arrays, and the same combinations of their inner products:

    <W1, G> = <Z[batch], d>,  <V, G> = <Z of V[batch], d>,  <G, G> = <(K[batch]^T d)[batch], d>.
"""

import numpy as np

from zdl.nn.layers import Array, Labels

STEP = 16  # the cost of a step for one number, in multiplications of a matrix product


class PixelLayer:
    """The first layer for images X (n, d) and initial weights W (d, m).

    In its own copy of W, the rows of pixels that are zero in all images come last.
    """

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
        np.dot(self.batch.T, d, out=self.dW[self.lit])  # the other rows are zero, apart from weight decay
        self.dW[self.lit.stop :] = 0


class DualLayer:
    """The first layer in dual form, for images X (N, d), the first n for training, and weights W (d, m)."""

    def __init__(self, X: Array, n: int, W: Array) -> None:
        self.x, self.W, self.X = X[:n], W.copy(), X
        self.K = (X @ X.T)[:n]  # NumPy computes only half of this symmetric product
        self.shapes: list[tuple[int, ...]] = [(len(X), W.shape[1]), (n, W.shape[1]), (1,)]  # of Z, A and c

    def begin(self, values: list[Array], grads: list[Array], batch: int) -> None:
        """Use these arrays for Z, A, c and for their gradients. A batch has at most `batch` images."""
        (self.Z, _, c), (self.dZ, self.dA, self.dc) = values, grads
        np.matmul(self.X, self.W, out=self.Z)
        c[:] = 1
        self.K_batch = np.empty((batch, len(self.Z)), self.Z.dtype)
        self.follow([], np.eye(1, 2))

    def follow(self, memories: list[list[Array]], step: Array) -> None:
        """Prepare for steps with the matrix `step`, weight decay included. The memories are of Z, A and c."""
        self.Zs, self.step = [self.Z, *(Z for Z, _, _ in memories)], step
        self.products = np.zeros((len(self.Zs) + 1,) * 2)  # of W1, its memories and its gradient
        self.products[0, 0] = np.vdot(self.W, self.W)

    def assemble(self, values: list[Array]) -> Array:
        """W1, its gradient or a memory of it, from the Z, A and c of that array."""
        _, A, c = values
        W: Array = self.x.T @ A
        W += c * self.W
        return W

    def square(self) -> float:
        return float(self.products[0, 0])

    def read(self, images: Labels) -> None:
        """Begin a batch, in which no image occurs twice."""
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
        if weight_decay:  # else |W1|^2 is not needed
            products, arrays = self.products, [*self.Zs, self.dZ]
            products[-1] = products[:, -1] = [np.vdot(Z.take(self.images, axis=0), d) for Z in arrays]
            products[:-1, :-1] = self.step @ products @ self.step.T


def dual_pays(images: tuple[int, int], pixels: tuple[int, int], batch: tuple[int, float]) -> bool:
    """Whether an update in dual form needs fewer multiplications per output of the layer.

    images  the number of training images, and of all images
    pixels  the number of pixels that are not zero in every image, and of all pixels
    batch   the size of a batch, and the number of images that are evaluated per update

    What is computed once does not count. Otherwise the form would depend on the number of epochs, and a
    training with more epochs must be able to go on from one with fewer.
    """
    (n, N), (lit, d), (batch_size, evaluated) = images, pixels, batch
    n_distinct = n - n * (1 - 1 / n) ** batch_size  # different images in a batch, on average
    return n_distinct * N + STEP * (N + n) < 2 * n_distinct * lit + STEP * d + evaluated * lit
