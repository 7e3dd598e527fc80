"""Rows as a problem brings them: what is refused, in one line, and how some of them are held out."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from zdl import Error
from zdl.data.rows import Rows, arrays, hold_out

X: NDArray[Any] = np.arange(8.0).reshape(4, 2)
T = np.array([0, 1, 1, 0])
WHOLE = Rows(X, T, X[:2], T[:2], ["no", "yes"], ["length", "width"])


def test_rows_are_arrays_of_a_file() -> None:
    held = arrays(WHOLE)
    assert {name: held[name].tolist() for name in ("classes", "columns")} == {
        "classes": ["no", "yes"],
        "columns": ["length", "width"],
    }
    assert held["t"].dtype == held["t_held_out"].dtype == np.uint8
    assert held["x"].dtype == np.float64 and (held["x_held_out"] == X[:2]).all()
    assert arrays(WHOLE._replace(columns=()))["columns"].shape == (0,)
    assert arrays(WHOLE._replace(x=X > 1))["x"].dtype == bool
    lists = arrays(WHOLE._replace(x=X.tolist(), t=T.tolist()))
    assert all((lists[name] == held[name]).all() for name in held)


def test_rows_of_a_regression_have_numbers_and_no_classes() -> None:
    rows = hold_out(X, [0.5, 1, 2, 4], share=0.5, seed=0, columns=["length", "width"], regression=True)
    held = arrays(rows, regression=True)
    assert held["t"].dtype == np.float64 and held["classes"].shape == (0,)
    assert sorted([*held["t"], *held["t_held_out"]]) == [0.5, 1, 2, 4]
    for wrong, text in (
        ({"t": np.array([0.5, np.nan, 1, 2])}, r"t: float64, or not finite \(needed: finite numbers\)"),
        ({"t": np.array(list("abcd"))}, "t: <U1, or not finite"),
    ):
        with pytest.raises(Error, match=text):
            arrays(WHOLE._replace(classes=[], **wrong), regression=True)
    with pytest.raises(Error, match=r"classes: 2 \(needed: none, as SCORE is one of regression\)"):
        arrays(WHOLE, regression=True)


@pytest.mark.parametrize(("classes", "dtype"), [(256, np.uint8), (257, np.uint16)])
def test_labels_are_as_wide_as_the_classes_need(classes: int, dtype: type) -> None:
    names = [str(k) for k in range(classes)]
    held = arrays(WHOLE._replace(classes=names, t=np.array([0, 1, 2, classes - 1])))
    assert held["t"].dtype == dtype and held["t"][-1] == classes - 1


WRONG = {
    "no classes": (
        {"classes": []},
        "classes: 0 (needed: 2 or more; in regression, a SCORE such as r2)",
    ),
    "one class": (
        {"classes": ["yes"], "t": T * 0},
        "classes: 1 (needed: 2 or more; in regression, a SCORE such as r2)",
    ),
    "text": (
        {"x": np.array([["a", "b"]] * 4)},
        "x: <U1 (needed: numbers; encode text, one column for each value)",
    ),
    "objects": (
        {"x_held_out": np.array([[1, None]] * 2)},
        "x_held_out: object (needed: numbers; encode text, one column for each value)",
    ),
    "no rows": (
        {"x_held_out": X[:0], "t_held_out": T[:0]},
        "x_held_out, t_held_out: shapes (0, 2) and (0,) (needed: rows, each with a label)",
    ),
    "fewer labels": (
        {"t": T[:3]},
        "x, t: shapes (4, 2) and (3,) (needed: rows, each with a label)",
    ),
    "one-hot labels": (
        {"t": np.eye(2, dtype=int)[T]},
        "x, t: shapes (4, 2) and (4, 2) (needed: rows, each with a label)",
    ),
    "numbers as labels": (
        {"t": T.astype(float)},
        "t: float64 (needed: whole numbers, each the place of a class)",
    ),
    "names as labels": (
        {"t_held_out": np.array(["no", "yes"])},
        "t_held_out: <U3 (needed: whole numbers, each the place of a class)",
    ),
    "a label below": (
        {"t": T - 1},
        "t: -1 to 0 (needed: 0 to 1)",
    ),
    "a label above": (
        {"t_held_out": np.array([0, 2])},
        "t_held_out: 0 to 2 (needed: 0 to 1)",
    ),
    "held-out rows of another shape": (
        {"x_held_out": X[:2, :1]},
        "x, x_held_out: rows of shapes (2,) and (1,) (needed: one shape)",
    ),
    "a name too few": (
        {"columns": ["length"]},
        "columns: 1 names for rows of shape (2,) (needed: a name for each number)",
    ),
    "names of images": (
        {"x": X.reshape(4, 2, 1), "x_held_out": X[:2].reshape(2, 2, 1)},
        "columns: 2 names for rows of shape (2, 1) (needed: a name for each number)",
    ),
}


@pytest.mark.parametrize(("parts", "line"), WRONG.values(), ids=WRONG)
def test_rows_that_cannot_be_used_are_refused(parts: dict[str, Any], line: str) -> None:
    with pytest.raises(Error) as error:
        arrays(WHOLE._replace(**parts))
    assert str(error.value) == line


NAMES = ["stays", "leaves", "stays"] * 30 + ["returns"] * 10


def held_out(share: float = 0.25, seed: int = 7, **more: Any) -> Rows:
    return hold_out(np.arange(200).reshape(100, 2), NAMES, share=share, seed=seed, **more)


def test_labels_that_are_text_become_classes() -> None:
    rows = held_out(columns=["age", "fare"])
    assert (rows.classes, rows.columns) == (["leaves", "returns", "stays"], ["age", "fare"])
    for x, t in ((rows.x, rows.t), (rows.x_held_out, rows.t_held_out)):
        assert [rows.classes[label] for label in t] == [NAMES[row // 2] for row in x[:, 0]]
    assert arrays(rows)["classes"].tolist() == rows.classes
    assert hold_out(X, T + 3, share=0.5, seed=1).classes == ["3", "4"]


@pytest.mark.parametrize(("share", "count"), [(0.25, 25), (0.29, 29), (0.999, 99)])  # 0.29 * 100 is below 29
def test_an_exact_share_is_held_out_and_no_row_is_lost(share: float, count: int) -> None:
    rows = held_out(share)
    assert len(rows.x_held_out) == len(rows.t_held_out) == count
    assert sorted([*rows.x[:, 0], *rows.x_held_out[:, 0]]) == list(range(0, 200, 2))


def test_the_seed_decides_which_are_held_out() -> None:
    assert (held_out().x_held_out == held_out().x_held_out).all()
    assert (held_out().x_held_out != held_out(seed=8).x_held_out).any()
    assert (
        held_out().x_held_out[:3, 0] == [74, 12, 64]
    ).all()  # computed once: another version holds out the same


@pytest.mark.parametrize(
    ("labels", "line"),
    [
        (["a", None, "b"], "labels: row 1 has none (needed: one for each)"),
        ([1.0, 2.0, np.nan], "labels: row 2 has none (needed: one for each)"),
        ([1.0, 2.5, 3.0], "labels: row 1 has 2.5 (needed: classes; for numbers: regression=True)"),
        (["a", "b"], "labels: 2 for 3 rows (needed: one for each)"),
    ],
)
def test_labels_that_are_no_classes_are_refused(labels: list, line: str) -> None:
    with pytest.raises(Error) as error:
        hold_out(np.zeros((3, 1)), labels, share=0.4, seed=0)
    assert str(error.value) == line


def test_whole_numbers_are_classes_in_their_order() -> None:
    rows = hold_out(np.zeros((4, 1)), [10.0, 9.0, 9.0, 10.0], share=0.25, seed=0)
    assert rows.classes == ["9", "10"]
