"""Numbers as people read them."""

import pytest

from zdl.report import formatting


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.8, "0.80"), (0.83, "0.83"), (83 / 97, "0.8557"), (0.8375, "0.8375"), (0.805, "0.805"), (1, "1.00")],
)
def test_accuracy_as_people_read_it(value, text):
    assert formatting.accuracy(value) == text


@pytest.mark.parametrize(
    ("number", "text"), [(1, "1st"), (2, "2nd"), (3, "3rd"), (11, "11th"), (112, "112th"), (1021, "1,021st")]
)
def test_places_in_words(number, text):
    assert formatting.ordinal(number) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0004, "p < 0.001"), (0.0005, "p = 0.001"), (0.041, "p = 0.041"), (1.0, "p = 1.000")],
)
def test_p_values_in_words(value, text):
    assert formatting.p_equation(value) == text


@pytest.mark.parametrize(
    ("n", "noun", "text"),
    [
        (1, "image", "1 image"),
        (1000, "validation image", "1,000 validation images"),
        (2, "class", "2 classes"),
        (2, "galaxy", "2 galaxies"),
        (2, "day", "2 days"),
        (2, "epoch", "2 epochs"),
        (2, "batch", "2 batches"),
    ],
)
def test_counts_of_things(n, noun, text):
    assert formatting.count(n, noun) == text
