"""Save the weights of a trained network in a file, load them, and read digits with them.

digits, probabilities = predict("results/best.npz", images)
"""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zdl import Error
from zdl.artifacts.encoding import sealed_npz
from zdl.artifacts.io import read_npz, write
from zdl.artifacts.schemas import WEIGHTS
from zdl.nn.layers import Array, Labels, softmax
from zdl.nn.network import MultiLayerNet


def arrays(network: MultiLayerNet) -> dict[str, NDArray[Any]]:
    """The contents of a file of weights: `params` and the activation."""
    return {**network.params, "activation": np.array(network.activation)}


def save(network: MultiLayerNet, path: str | Path) -> None:
    """Write the weights to `path`, a .npz file, in one step."""
    write(path, sealed_npz(arrays(network), WEIGHTS))


def load(path: str | Path) -> MultiLayerNet:
    """The network that was saved at `path`. Its weight decay is 0, since that matters in training only.

    An `Error` names the file if it is missing, corrupt or something else.
    """
    params = read_npz(path, WEIGHTS, is_network)
    activation = str(params.pop("activation"))
    sizes = [len(params["W1"]), *(len(b) for key, b in params.items() if key.startswith("b"))]
    network = MultiLayerNet(
        sizes[0],
        sizes[1:-1],
        sizes[-1],
        activation=activation,
        dtype=params["W1"].dtype,
        rng=np.random.default_rng(0),
    )
    for key, p in params.items():
        network.params[key][:] = p
    return network


def is_network(arrays: dict[str, Any]) -> bool:
    """Whether arrays are a network's layers, each with as many inputs as the one before it has outputs."""
    sizes = [len(arrays["W1"]), *(len(arrays[f"b{i}"]) for i in range(1, len(arrays) // 2 + 1))]
    shapes: list[tuple[str, tuple[int, ...]]] = []
    for i, (n, m) in enumerate(pairwise(sizes), start=1):
        shapes += [(f"W{i}", (n, m)), (f"b{i}", (m,))]
    named = [(name, array.shape) for name, array in arrays.items()]
    dtypes = {array.dtype.str[1:] for array in arrays.values() if array.ndim}
    return all(sizes) and named == [*shapes, ("activation", ())] and dtypes in ({"f4"}, {"f8"})


def predict(path: str | Path, images: NDArray[Any]) -> tuple[Labels, Array]:
    """Read images with the weights saved at `path`. Return (digits (n,), their probabilities (n, 10)).

    `images` holds one or more images of 784 pixels, in any shape such as (n, 28, 28): floats in [0, 1], or
    integers in 0..255. The digits are white on black, as in MNIST. Other sizes raise an `Error`.
    """
    network = load(path)
    size = len(network.params["W1"])
    images = np.asarray(images)
    if images.size == 0 or images.size % size:
        raise Error(f"images: shape {images.shape} does not hold images of {size} pixels")
    x = images.reshape(-1, size)
    if np.issubdtype(x.dtype, np.integer):
        x = x / 255
    probabilities = softmax(network.predict(x))
    return probabilities.argmax(axis=1), probabilities
