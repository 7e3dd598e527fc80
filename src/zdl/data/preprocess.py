"""From images to what a trial reads: pixels as numbers, shuffled and split for training and validation.

`raw_file`, `prepared_file`, `held_out_file` and `split_file` compute the files of these names from the bytes
of others.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from zdl.artifacts.encoding import decode_npz, sealed_npz
from zdl.artifacts.schemas import check_raw
from zdl.data import mnist


class Split(NamedTuple):
    """Images (n, 784) float32 and labels (n,) uint8: those to train on, and those that score a trial."""

    x_train: NDArray[np.float32]
    t_train: NDArray[np.uint8]
    x_val: NDArray[np.float32]
    t_val: NDArray[np.uint8]


def raw_file(files: Mapping[str, bytes], leading: int, digest: str) -> bytes:
    """The images in the files of a source: the same bytes from every source."""
    images = mnist.images(files, leading)._asdict()
    check_raw(images)
    return sealed_npz(images, digest)


def prepared_file(raw: bytes, subsample: int, digest: str) -> bytes:
    """The images that the search uses, as numbers in [0, 1]."""
    images = decode_npz(raw)
    x, t = prepare(images["x"], images["t"], subsample)
    return sealed_npz({"x": x, "t": t}, digest)


def held_out_file(raw: bytes, digest: str) -> bytes:
    """The images that no part of the search sees, as numbers in [0, 1]."""
    images = decode_npz(raw)
    x, t = prepare(images["x_held_out"], images["t_held_out"])
    return sealed_npz({"x": x, "t": t}, digest)


def split_file(prepared: bytes, validation_rate: float, seed: int, digest: str) -> bytes:
    """The prepared images, shuffled and split for training and validation."""
    images = decode_npz(prepared)
    return sealed_npz(split(images["x"], images["t"], validation_rate, seed)._asdict(), digest)


def prepare(
    x: NDArray[np.uint8], t: NDArray[np.uint8], subsample: int | None = None
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """The first `subsample` images (all if None) as float32 in [0, 1], as the book's `load_mnist` does.

    Maps x (n, 784) and t (n,), uint8, to their first rows; a pixel p becomes float32(p) / float32(255).
    """
    return x[:subsample].astype(np.float32) / np.float32(255), t[:subsample].copy()


def shuffle_dataset(
    x: NDArray[Any], t: NDArray[Any], rng: np.random.Generator
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Rows of x (n, ...) and t (n, ...) in one random order, as in the book's common/util.py."""
    # Ranks of raw bits and not rng.permutation: NumPy guarantees that future versions give the same raw bits,
    # but not the same permutations.
    permutation = np.argsort(rng.bit_generator.random_raw(len(x)), kind="stable")
    return x[permutation], t[permutation]


def validation_count(rate: float, n: int) -> int:
    """The exact floor of rate * n, with the rate as it is written: 29 for 0.29 of 100 (28 in floats)."""
    return int(Fraction(repr(float(rate))) * n)


def split(
    x: NDArray[np.float32], t: NDArray[np.uint8], validation_rate: float, seed: int | Sequence[int]
) -> Split:
    """Shuffle by `seed`, then take the first `validation_count` images for validation, as in the book."""
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed)))
    x, t = shuffle_dataset(x, t, rng)
    n = validation_count(validation_rate, len(x))
    return Split(x_train=x[n:], t_train=t[n:], x_val=x[:n], t_val=t[:n])
