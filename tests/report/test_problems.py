"""What the report says of a problem that is not the book's: its columns and classes have names."""

import re
from types import SimpleNamespace

import numpy as np
import pytest

from tests.analysis.test_ranking import record, table
from tests.report import examples, test_page
from tests.report.test_figures import texts, words
from zdl.analysis.mistakes import deviations
from zdl.config.hyperparameters import Setting, choice, plain, real, whole
from zdl.config.problem import Problem
from zdl.config.words import DEFAULTS, wording
from zdl.data.scores import Score

HYPERPARAMETERS = {
    "kind": choice("forest", "boosted"),
    "rate": real(1e-4, 1.0, log=True, when={"kind": ["boosted"]}, title=("Shrinkage", "縮小率")),
    "depth": whole(1, 20),
    "sampler": Setting(title=("", ""), description=("", ""), names=("all", "some")),
}
WINES = Problem("wines", SimpleNamespace(HYPERPARAMETERS=HYPERPARAMETERS))
SPACE = {"depth": {"distribution": "int_uniform", "low": 1, "high": 9}}
NAMED = ["barolo", "grignolino", "barbera d'Asti superiore"]
COLUMNS = ["alcohol", "malic acid", "flavanoids"]
FOREIGN = {
    "README.md": r"(?i:image|network|digit|mnist|\bbook|weights,|batch|learning rate)|None|\bnan\b",
    "README.ja.md": r"画像|枚|ネットワーク|数字|認識|書籍|バッチ|学習率|MNIST|None|nan",
}


def settings(*_):
    return {
        "problem": "wines",
        "data": {"subsample": 500},
        "split": {"validation_rate": 0.2, "seed": 1},
        "training": {"kind": "forest", "rate": 0.1, "depth": 5, "sampler": "all"},
        "search": {"method": "random", "trials": 30, "batch": 4, "seed": 42, "space": SPACE}
        | {"hyperparameters": plain(HYPERPARAMETERS)},
        "replicate": {"trials": 5, "replicates": 10, "seed": 7},
        "report": {"best": 20},
    }


def test_a_problem_without_words_has_complete_ones():
    complete = wording(WINES, settings())
    assert complete.keys() == {"en", "ja"}
    for language, own in complete.items():
        assert own.keys() == DEFAULTS[language].keys() | {"name", "titles", "trained_with"}
        assert own["name"] == "wines" and own["titles"].keys() == HYPERPARAMETERS.keys()
    english, japanese = complete.values()
    assert english["titles"]["depth"] == "Depth" and japanese["titles"]["rate"] == "縮小率"
    # Neither what is searched, nor what plays no part
    assert english["trained_with"] == "Kind forest, Sampler all"
    assert japanese["trained_with"] == "Kind forest、Sampler all"


def test_a_problem_may_have_some_words_and_leave_the_others():
    wine = SimpleNamespace(**vars(WINES.module), words=lambda settings: {"en": {"row": "wine"}})
    own, default = wording(Problem("wines", wine), settings()), wording(WINES, settings())
    assert own["en"] == {**default["en"], "row": "wine"} and own["ja"] == default["ja"]


def pages(monkeypatch, classes, confusion, problem=WINES, **values):
    monkeypatch.setattr(test_page, "settings", settings)
    n = len(classes)
    held_out = {
        "x": np.zeros((15 * n, len(COLUMNS))),
        "t": np.arange(15 * n) % n,
        "classes": np.array(classes),
        "columns": np.array(COLUMNS),
    }
    data = values.pop("data", table(*(record(k, [90 - 2 * k], depth=1 + k % 9) for k in range(30))))
    return test_page.pages(data, SPACE, problem=problem, confusion=confusion, **held_out, **values)


def taken(n):
    """Of n classes, the first is taken for the second in a third of its rows, the others are as good."""
    confusion = np.eye(n)
    confusion[0, :2] = 2 / 3, 1 / 3
    return confusion


def assert_foreign_words_are_missing(both):
    for text, pattern in zip(both, FOREIGN.values(), strict=True):
        prose = re.sub(r"```.*?```", "", text, flags=re.S)
        found = re.search(pattern, prose)
        assert not found, prose[max(0, found.start() - 60) : found.end() + 30]


@pytest.mark.parametrize("diverged", [False, True])
def test_the_pages_of_a_table_have_no_words_of_another_problem(monkeypatch, diverged):
    status = "diverged" if diverged else "finished"
    data = table(*(record(k, [90 - 2 * k], status, depth=1 + k % 9) for k in range(30)))
    both = pages(monkeypatch, NAMED, taken(3), data=data)
    assert_foreign_words_are_missing(both)
    english, japanese = map(test_page.flat, both)
    assert "30 models (Kind forest, Sampler all), each with its own depth" in english
    assert "were trained on 500 rows of the problem wines, of which 20 %" in english
    assert "問題winesのデータ500件" in japanese
    if not diverged:
        assert "to take barolo for grignolino: 33 % of the rows of barolo." in english
        assert "It identifies the classes grignolino and barbera d'Asti superiore best" in english
        assert "in which each is furthest from the mean" in english and "最も離れた列" in japanese
        assert "with other random numbers, and the 500 rows divided anew" in english


OF_COUNTS = {  # what is true of accuracy alone
    "README.md": r"accuracy(?! only)|[Ii]dentif(y|ies) \d|Wilson's\)|McNemar's exact|commonest class of|"
    r"\d % of the held",
    "README.ja.md": "正解率(?!でしか|についてしか|が最も高い|は同じ)|正しく分類しました|"
    "マクネマーの正確|件のうち|だけを答え続ける",
}


@pytest.mark.parametrize("name", ["f1_macro", "matthews_corrcoef", "r2", "neg_mean_squared_error"])
def test_the_pages_of_another_score_say_nothing_that_is_true_of_accuracy_alone(monkeypatch, name):
    problem, score = Problem("wines", SimpleNamespace(**vars(WINES.module), SCORE=name)), Score(name)
    no_band = {"budget": test_page.random_budget(np.arange(1, 31), 0.8 - 0.5 / np.arange(1, 31))}
    no_band["budget"][["low", "high"]] = np.nan
    classes, confusion = ([], np.zeros((0, 0))) if score.regression else (NAMED, taken(3))
    values = {"score": score, "guess_score": 0.01, **({} if score.is_share else no_band)}
    both = pages(monkeypatch, classes or NAMED, confusion, problem, **values)
    assert_foreign_words_are_missing(both)
    for text, pattern in zip(map(test_page.flat, both), OF_COUNTS.values(), strict=True):
        found = re.search(pattern, text)
        assert not found, text[max(0, found.start() - 80) : found.end() + 30]
        assert bool(re.search(r"\d points|ポイント", text)) == score.is_share
    english, japanese = map(test_page.flat, both)
    assert f"The score is {score.title} (scikit-learn's `{name}`" in english
    assert f"スコアは{score.title}です（scikit-learnの`{name}`" in japanese
    assert ("no confidence band" in english) == ("信頼帯はありません" in japanese) == (not score.is_share)
    assert ("(ridge regression)" in english) == ("リッジ回帰" in japanese) == score.regression
    assert ("largest errors" in english) == ("誤差が特に大きい" in japanese) == score.regression
    assert "by the bootstrap's standard error" in english and "差のブートストラップ標準誤差" in japanese


def test_the_page_says_which_class_a_score_of_one_class_is_of(monkeypatch):
    problem = Problem("wines", SimpleNamespace(**vars(WINES.module), SCORE="f1"))
    both = pages(monkeypatch, NAMED[:2], taken(2), problem, score=Score("f1"), guess_score=0.3)
    assert "(scikit-learn's `f1` of the class grignolino; higher is better)" in test_page.flat(both[0])
    assert "`f1`。クラスgrignolinoについての値で、大きいほど良い値です" in both[1]


def test_the_pages_of_many_classes_count_those_that_are_too_many_to_name(monkeypatch):
    both = pages(monkeypatch, [f"species {k}" for k in range(300)], taken(300))
    assert_foreign_words_are_missing(both)
    assert "It identifies 299 classes best (100 %) and species 0 worst (67 %)." in test_page.flat(both[0])
    assert "299個（100%）" in both[1]


@pytest.mark.parametrize(("name", "classes"), [("a table", 3), ("300 classes", 300)])
def test_the_mistakes_of_a_table_are_named_with_their_columns(name, classes):
    shown = words(texts(examples.example(f"mistakes of {name}")))
    assert not re.search(r"image|network|digit|MNIST|None", "\n".join(shown))
    assert "the surest mistakes: wrong in how many models, and how sure they were" in shown
    first = {3: "barolo taken for grignolino", 300: "species 0 taken for species 1"}[classes]
    assert f"{first}: 9 of 10, 0.97" in shown
    assert "$alcohol^{$ 14.2 (+2.1 sd); malic acid 0.74 (-1.8 sd)" in shown
    beside = {text for text in shown if re.fullmatch(r"sp\S*…\S* ?\S*", text)}
    assert len(beside) == (0 if classes == 3 else 24), "of every 13th class, and no two are alike"


# In which columns a row is far from the mean.


def test_deviations_are_of_all_rows_and_the_greatest_come_first():
    x = np.array([[0.0, 10, 5], [0, 20, 5], [0, 30, 5], [8, 20, 5]])
    first, last = deviations(x, [0, 3], COLUMNS)
    assert first == [("malic acid", 10.0, -1.4), ("alcohol", 0.0, -0.6)]
    assert last == [("alcohol", 8.0, 1.7)], "at the mean of a column, and in one without spread, is nowhere"
    assert deviations(x, [0], COLUMNS, most=1) == [first[:1]]
    assert deviations(x, [], COLUMNS) == []


def test_columns_without_a_name_are_numbered_and_rows_may_have_any_shape():
    x = np.array([[[0, 0], [0, 1]], [[0, 0], [0, 3]]], np.uint8)
    assert deviations(x, [1], []) == [[("column 3", 3.0, 1.0)]]


def test_what_is_missing_is_at_the_mean():
    x = np.array([[np.nan, np.nan], [1, np.nan], [3, np.nan]])
    assert deviations(x, [0, 2], ["a", "b"]) == [[], [("a", 3.0, 1.2)]]
