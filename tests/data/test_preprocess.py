"""Preparing and splitting images: nothing lost, nothing mixed up, the same by the same seed."""

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

from zdl import Error
from zdl.artifacts.schemas import CLASSES, PIXELS, check_raw
from zdl.data.preprocess import prepare, shuffle_dataset, split, validation_count

SEEDS = st.integers(0, 2**64)
DECIMALS = st.decimals(0, 1, allow_nan=False, places=6)


def generator(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed)))


@pytest.mark.parametrize(
    ("pixels", "label", "dtype", "said"),
    [
        (
            PIXELS + 1,
            0,
            np.uint8,
            rf"images: {PIXELS + 1} pixels each \(zdl\.\S+\.SHAPE: .*has {PIXELS}\)",
        ),
        (
            PIXELS,
            CLASSES,
            np.uint8,
            rf"labels: up to {CLASSES} \(zdl\.\S+\.CLASSES: {CLASSES}, ",
        ),
        (PIXELS, 0, np.int64, r"x_held_out \(2, \d+\) int64.*zdl\.artifacts\.schemas\.RAW: .* uint8"),
    ],
    ids=["pixels", "label", "type"],
)
def test_what_another_data_set_has_otherwise_is_told_at_once(
    pixels: int, label: int, dtype: type, said: str
) -> None:
    x, t = np.zeros((2, PIXELS), np.uint8), np.zeros(2, np.uint8)
    check_raw({"x": x, "t": t, "x_held_out": x, "t_held_out": t})
    held_out = np.zeros((2, pixels), dtype), np.array([0, label], np.uint8)
    with pytest.raises(Error, match=said) as error:
        check_raw({"x": x, "t": t, "x_held_out": held_out[0], "t_held_out": held_out[1]})
    assert "\n" not in str(error.value)


def test_pixels_become_what_the_book_makes_of_them() -> None:
    x = np.arange(256, dtype=np.uint8).reshape(64, 4)
    prepared, _ = prepare(x, np.zeros(64, np.uint8))
    book = x.astype(np.float32)
    book /= 255.0  # dataset/mnist.py, load_mnist
    assert prepared.dtype == np.float32
    assert prepared.tobytes() == book.tobytes()
    assert (prepared.min(), prepared.max()) == (0.0, 1.0)


@pytest.mark.parametrize(("subsample", "left"), [(None, 5), (5, 5), (3, 3), (1, 1)])
def test_the_subsample_leads(subsample: int | None, left: int) -> None:
    x, t = np.arange(10, dtype=np.uint8).reshape(5, 2), np.arange(5, dtype=np.uint8)
    prepared, labels = prepare(x, t, subsample)
    np.testing.assert_array_equal(labels, t[:left])
    np.testing.assert_array_equal(np.rint(prepared * 255), x[:left])
    labels[:] = 9
    assert t.tolist() == [0, 1, 2, 3, 4]  # a copy


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
def test_validation_count_is_exact(rate: Decimal, n: int) -> None:
    count = validation_count(float(rate), n)
    assert isinstance(count, int)
    assert count == math.floor(Fraction(rate) * n)
    assert validation_count(np.float64(rate), n) == count


@given(st.integers(1, 40), DECIMALS, SEEDS)
def test_a_split_is_a_partition(n: int, rate: Decimal, seed: int) -> None:
    t = np.arange(n, dtype=np.uint8)
    x = np.stack([t, t + 100], axis=1).astype(np.float32)
    parts = split(x, t, float(rate), seed)
    assert len(parts.x_val) == len(parts.t_val) == math.floor(Fraction(rate) * n)
    assert sorted([*parts.t_val, *parts.t_train]) == list(range(n))
    for images, labels in ((parts.x_train, parts.t_train), (parts.x_val, parts.t_val)):
        assert images.dtype == np.float32 and labels.dtype == np.uint8
        np.testing.assert_array_equal(images[:, 0], labels)


def test_a_split_is_as_the_book_has_it() -> None:
    t = np.arange(50, dtype=np.uint8)
    x = t.reshape(50, 1).astype(np.float32)
    shuffled, labels = shuffle_dataset(x, t, generator(7))
    parts = split(x, t, 0.2, 7)
    np.testing.assert_array_equal(parts.x_val, shuffled[:10])
    np.testing.assert_array_equal(parts.t_val, labels[:10])
    np.testing.assert_array_equal(parts.x_train, shuffled[10:])
    np.testing.assert_array_equal(parts.t_train, labels[10:])


def test_a_seed_gives_the_same_split_for_ever() -> None:
    t = np.arange(20, dtype=np.uint8)
    parts = split(t.reshape(20, 1).astype(np.float32), t, 0.2, 1)
    assert parts.t_val.tolist() == [9, 16, 2, 18]
