"""MNIST's first images as the pipeline splits them, without a network."""

from typing import Any

from numpy.typing import NDArray

from zdl.data import preprocess
from zdl.data.rows import Split, arrays
from zdl.problems import book


def images(subsample: int, validation_rate: float, seed: int) -> tuple[Split, NDArray[Any], NDArray[Any]]:
    """The split that trials are trained on, and the held-out images and labels."""
    data = {"source": "bundled", "subsample": subsample}
    rows = book.load(data, book.fetch(data, lambda line: None))
    prepared = dict(arrays(rows)) | {"x": book.prepare(rows.x)}
    return preprocess.split(prepared, validation_rate, seed), book.prepare(rows.x_held_out), rows.t_held_out
