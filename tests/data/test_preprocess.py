"""Preparing and splitting images: nothing lost, nothing mixed up, the same by the same seed."""

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes
from numpy.typing import NDArray

from zdl.data.preprocess import split
from zdl.data.rows import share_of, shuffle_dataset
from zdl.problems import book

SEEDS = st.integers(0, 2**64)
DECIMALS = st.decimals(0, 1, allow_nan=False, places=6)


def generator(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed)))


def rows(x: NDArray[Any], t: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """A file of prepared rows."""
    return {"x": x, "t": t, "classes": np.array([str(label) for label in range(10)])}


def test_pixels_become_what_the_book_makes_of_them() -> None:
    x = np.arange(256, dtype=np.uint8).reshape(64, 4)
    prepared = book.prepare(x)
    expected = x.astype(np.float32)
    expected /= 255.0  # dataset/mnist.py, load_mnist
    assert prepared.dtype == np.float32
    assert prepared.tobytes() == expected.tobytes()
    assert (prepared.min(), prepared.max()) == (0.0, 1.0)


def test_the_subsample_leads() -> None:
    data = {"source": "bundled", "subsample": 500}
    files = book.fetch(data, lambda line: None)
    whole, few = (book.load(data | {"subsample": n}, files) for n in (500, 3))
    np.testing.assert_array_equal(few.x, whole.x[:3])
    np.testing.assert_array_equal(few.t, whole.t[:3])
    np.testing.assert_array_equal(few.x_held_out, whole.x_held_out)
    assert len(whole.x) == 500 and few.classes == [str(digit) for digit in range(10)]


@given(array_shapes(min_dims=2, max_dims=4, min_side=1, max_side=6), SEEDS)
def test_shuffling_keeps_pairs_together(shape: tuple[int, ...], seed: int) -> None:
    n = shape[0]
    t = np.arange(n)
    x = np.broadcast_to(t.reshape(n, *[1] * (len(shape) - 1)), shape).copy()
    before = x.copy()
    shuffled, labels = shuffle_dataset(x, t, generator(seed))
    assert shuffled.shape == shape
    assert sorted(labels) == list(range(n))
    assert all((row == label).all() for row, label in zip(shuffled, labels, strict=True))
    assert (x == before).all() and t.tolist() == list(range(n))


def test_the_order_is_that_of_the_raw_bits() -> None:
    bits = np.random.PCG64(np.random.SeedSequence(3)).random_raw(20).tolist()
    x = np.arange(20).reshape(20, 1)
    _, order = shuffle_dataset(x, x[:, 0], generator(3))
    assert order.tolist() == sorted(range(20), key=lambda k: bits[k])


@given(DECIMALS, st.integers(1, 60_000))
@example(Decimal("0.29"), 100)  # 28.999999999999996 in floats
@example(Decimal("1e-7"), 500)
def test_a_share_is_exact(rate: Decimal, n: int) -> None:
    count = share_of(float(rate), n)
    assert isinstance(count, int)
    assert count == math.floor(Fraction(rate) * n)
    assert share_of(np.float64(rate), n) == count


@given(st.integers(1, 40), DECIMALS, SEEDS)
def test_a_split_is_a_partition(n: int, rate: Decimal, seed: int) -> None:
    t = np.arange(n, dtype=np.uint8)
    x = np.stack([t, t + 100], axis=1).astype(np.float32)
    parts = split(rows(x, t), float(rate), seed)
    assert len(parts.x_val) == len(parts.t_val) == math.floor(Fraction(rate) * n)
    assert sorted([*parts.t_val, *parts.t_train]) == list(range(n))
    for images, labels in ((parts.x_train, parts.t_train), (parts.x_val, parts.t_val)):
        assert images.dtype == np.float32 and labels.dtype == np.uint8
        np.testing.assert_array_equal(images[:, 0], labels)


def test_a_split_is_as_the_book_has_it() -> None:
    t = np.arange(50, dtype=np.uint8)
    x = t.reshape(50, 1).astype(np.float32)
    shuffled, labels = shuffle_dataset(x, t, generator(7))
    parts = split(rows(x, t), 0.2, 7)
    np.testing.assert_array_equal(parts.x_val, shuffled[:10])
    np.testing.assert_array_equal(parts.t_val, labels[:10])
    np.testing.assert_array_equal(parts.x_train, shuffled[10:])
    np.testing.assert_array_equal(parts.t_train, labels[10:])


def test_a_seed_gives_the_same_split_for_ever() -> None:
    t = np.arange(20, dtype=np.uint8)
    parts = split(rows(t.reshape(20, 1).astype(np.float32), t), 0.2, 1)
    assert parts.t_val.tolist() == [9, 16, 2, 18]
