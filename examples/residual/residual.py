"""The book's network with shortcuts: a hidden layer of unchanged width adds its output to its input."""

from zdl.nn.layers import Affine
from zdl.nn.network import ACTIVATIONS, MultiLayerNet
from zdl.problems import book, real

HYPERPARAMETERS = {
    **book.HYPERPARAMETERS,
    "residual_scale": real(0.0, 10.0, section="model", title=("Residual scale", "ショートカットの倍率")),
}
DATA, FETCH, IMAGE = book.DATA, book.FETCH, book.IMAGE
fetch, load, prepare, linear = book.fetch, book.load, book.prepare, book.linear
check, notes, words = book.check, book.notes, book.words


class Shortcut(Affine):
    """x + scale * activation(x @ W + b), for x (n, d): a scaled residual (Szegedy et al., arXiv:1602.07261,
    section 3.3)."""

    def __init__(self, W, b, activation, scale):
        super().__init__(W, b)
        self.activation, self.scale = activation, scale

    def forward(self, x):
        return x + self.scale * self.activation.forward(super().forward(x))

    def backward(self, dout):
        return dout + super().backward(self.activation.backward(self.scale * dout))


class ResidualNet(MultiLayerNet):
    """`MultiLayerNet` with a `Shortcut` for each hidden layer that has as many outputs as inputs."""

    def __init__(self, *sizes, residual_scale, **others):
        super().__init__(*sizes, **others)
        for i in range(len(self.affines) - 2, 0, -1):  # backwards, as two layers become one
            W, b = self.affines[i].W, self.affines[i].b
            if W.shape[0] == W.shape[1]:
                activation = ACTIVATIONS[self.activation]()
                self.layers[2 * i : 2 * i + 2] = [Shortcut(W, b, activation, residual_scale)]


def train(config, split, rng, say, start=None):
    config = dict(config)
    scale = config.pop("residual_scale")

    def network(*sizes, **others):
        return ResidualNet(*sizes, residual_scale=scale, **others)

    return book.train(config, split, rng, say, start, network=network)
