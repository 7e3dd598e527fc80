"""Save the weights of a trained network in a file, load them, and read digits with them.

digits, probabilities = predict("results/best.npz", images)
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zdl import Error
from zdl.analysis.best import best_trial
from zdl.artifacts.encoding import decode_json, decode_npz, digest, sealed_npz
from zdl.artifacts.io import read_npz, write
from zdl.artifacts.schemas import WEIGHTS, is_network
from zdl.nn.layers import Array, Labels, softmax
from zdl.nn.network import MultiLayerNet
from zdl.search.trial import describe, train


def best(
    table: bytes, split: bytes, spec: Callable[[int], Mapping[str, Any]], say: Callable[[str], object]
) -> dict[str, bytes]:
    """The weights of the best trial, which is trained once more for them; nothing if no trial finished.

    `spec` gives what determines the trial with a number.
    """
    number = best_trial(table, 1)
    if number is None:
        say("no trial finished, so there are no weights to save")
        return {}
    network, history = train(spec(number), decode_npz(split))
    trials = enumerate(decode_json(table)["trials"])
    place, result = next((place, row["result"]) for place, row in trials if row["trial"] == number)
    if digest(describe(history)) != result:
        say(f"note: trial {place} has another outcome here than in its record: the processor differs")
    return {"best.npz": encode(network)}


def encode(network: MultiLayerNet) -> bytes:
    """The contents of a .npz file with the weights: `params`, and the activation."""
    return sealed_npz({**network.params, "activation": np.array(network.activation)}, WEIGHTS)


def save(network: MultiLayerNet, path: str | Path) -> None:
    """Write the weights to `path`, a .npz file, in one step."""
    write(path, encode(network))


def load(path: str | Path) -> MultiLayerNet:
    """The network that was saved at `path`. Its weight decay, which matters in training only, is 0.

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


def predict(path: str | Path, images: NDArray[Any]) -> tuple[Labels, Array]:
    """Read images with the weights saved at `path`: (digits (n,), their probabilities (n, 10)).

    `images` holds n images, or one, in any shape that has n times 784 pixels in all, such as (n, 28, 28):
    floats in [0, 1], or integers in 0..255. White on black, as MNIST's are.
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
