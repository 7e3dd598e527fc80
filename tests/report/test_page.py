"""What the page says, that its links lead somewhere, and that it reads as plain text."""

import re
import unicodedata
from dataclasses import fields, replace
from functools import cache
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from tests.analysis.test_ranking import record, table
from tests.report.examples import BATCHES, OPTIMIZERS, SPACE, search
from zdl.analysis import ranking
from zdl.analysis.edits import Edit
from zdl.analysis.recommendations import space
from zdl.analysis.replication import confirmed_best
from zdl.analysis.results import Analysis, HeldOut, Replication, Search
from zdl.analysis.rungs import rungs
from zdl.config.hyperparameters import plain
from zdl.config.problem import Problem
from zdl.config.words import wording
from zdl.data.rows import share_of
from zdl.nn.trainer import Trainer
from zdl.problems import book
from zdl.report import context as report_context
from zdl.report import replicated as report_replicated
from zdl.report.context import context
from zdl.report.markdown import TEMPLATES, render
from zdl.report.pages import PAGES
from zdl.report.params_yaml import as_yaml

MADE_FROM = {"data": "ab" * 32, "numpy": "2.4.6", "blas": "any"}
FIGURES = ("best20", "search", "confirmed", "slices", "budget", "mistakes")
FILES = {f"{name}.{kind}" for name in FIGURES for kind in ("png", "svg")}
FILES |= {"ranking.csv", "curves.csv", "metrics.json"}
LEADERS = "rank trial val_acc low high tied comes_first only_first only_this p_value p_holm"
CONFIRMED = (
    "rank trial val_acc low high repeats diverged val_mean val_sd luck luck_low luck_high "
    "held_out held_out_low held_out_high gap"
)
NUMERIC = (
    "best_low best_high at_low at_high all_low all_high p_low p_high near_low near_high piled_low piled_high "
    "wider_low wider_high "
    "rho p_rho p_effect next_low next_high"
)


def settings(space=SPACE, trials=30, best=20, method="random"):
    declared = plain(book.HYPERPARAMETERS)
    return {
        "problem": "book",
        "data": {"source": "auto", "subsample": 500},
        "split": {"validation_rate": 0.2, "seed": 1},
        "model": {"hidden_width": 100, "hidden_depth": 2, "activation": "relu", "weight_init": 0.01},
        "training": {
            "epochs": 50,
            "batch_size": 100,
            "optimizer": "sgd",
            "lr": 1e-6,
            "evaluate_samples": None,
            "dtype": "float64",
        },
        "search": {"method": method, "trials": trials, "batch": 4, "seed": 42, "space": space}
        | {"hyperparameters": declared},
        "replicate": {"trials": 5, "replicates": 10, "seed": 7},
        "report": {"best": best},
    }


def confirmed(*rows):
    """A row a trial with replicates: rank, trial, its score, then mean and held out (None if none finished).
    The interval of the selection bias is 4 points to either side."""
    return pd.DataFrame(
        [
            (rank, trial, score, score - 0.1, score + 0.07, 10 if mean else 0, 0 if mean else 10)
            + (mean, 0.031 if mean else None, *selection_bias(score, mean), out)
            + ((out - 0.013, out + 0.013, mean - out) if mean else (None, None, None))
            for rank, trial, score, mean, out in rows
        ],
        columns=CONFIRMED.split(),
    ).astype({"val_mean": "float64", "held_out": "float64"})


def selection_bias(score, mean):
    return (score - mean, score - mean - 0.04, score - mean + 0.04) if mean else (None,) * 3


def rivals(**verdicts):
    """Of some trials, how the confirmed best compares on held-out images; all alike on validation images."""
    rows = [(int(trial[1:]), 0, verdict) for trial, verdict in verdicts.items()]
    return pd.DataFrame(rows, columns=["trial", "val", "held_out"])


def labels(commonest):
    """4,500 labels, with such a share of the commonest class."""
    ones = round(4500 * commonest)
    return np.array([1] * ones + [0, *range(2, 10)] * 500, np.uint8)[:4500]


def edits(space):
    """Edits of the ranges that widen lr upwards, and for another round cut it at its low end, too."""
    wide = {**space, **({"lr": {**space["lr"], "high": 0.1}} if "lr" in space else {})}
    next_ = {**wide, **({"lr": {**wide["lr"], "low": 1e-3}} if "lr" in space else {})}
    return {"wider": Edit(wide, 63, 100), "next": Edit(next_, 21, 100)}


def fake(data, frame, settings):
    """An analysis that fits a ranking in shape and might be that of the book's search; hardly anything is
    computed."""
    best = ranking.top(frame, settings["report"]["best"])
    scores = best["val_acc"].tolist()
    leaders = pd.DataFrame(
        [
            (k + 1, trial, score, score - 0.09, score + 0.07, scores.count(score) > 1)
            + (0.5 / (k + 1),)
            + ((None,) * 4 if k == 0 else (12, 11 - k, 0.08 / k, 0.5 / k))
            for k, (trial, score) in enumerate(zip(best["trial"], scores, strict=True))
        ],
        columns=LEADERS.split(),
    )
    rows = []
    for k, (name, spec) in enumerate(settings["search"]["space"].items()):
        row = {"name": name, "distribution": spec["distribution"], "advice": "", "falls": "", "best": 10}
        row |= {"low_end": "", "high_end": ""}
        row |= {**dict.fromkeys(NUMERIC.split()), "p_effect": 0.41, "importance": 0.07, "effect": k == 0}
        if "options" not in spec:
            low, high = spec["low"], spec["high"]
            row |= {"at_low": 0.1, "at_high": 0.2, "all_low": 0.13, "all_high": 0.07, "rho": -0.12}
            row |= {"p_low": 0.6, "p_high": 0.3, "near_low": 9, "near_high": 8}
            row |= {"low_end": "clear", "high_end": "clear"}
            row |= {"low": low, "high": high, "next_low": low, "next_high": high}
        if name == "lr":
            row |= {"advice": "up", "at_high": 0.8, "p_high": 0.002, "wider_low": 1e-6, "wider_high": 0.1}
            row |= {"high_end": "crowded"}
            row |= {"rho": 0.93, "p_effect": 1e-9, "importance": 0.93, "next_low": 1e-3, "next_high": 0.1}
        rows.append(row)
    size = np.arange(1, len(frame) + 1)
    if settings["search"]["method"] == "random":
        budget = random_budget(size, 0.8 - 0.5 / size)
    else:
        budget = pd.DataFrame({"trials": size, "best": np.minimum(0.1 * size, 0.77)})
    confusion = np.eye(10) * 0.8 + 0.02
    confusion[4, 9], confusion[4, 4] = 0.31, 0.51
    replicated = [
        (k + 1, trial, score, score - 0.03 * (k != 1), score - 0.04)
        for k, (trial, score) in enumerate(zip(best["trial"][:5], scores[:5], strict=True))
    ]
    linear = {"val_acc": 0.8, "val_mean": 0.85, "val_sd": 0.02, "held_out": 0.802}
    linear |= {
        "held_out_low": 0.79,
        "held_out_high": 0.814,
        "loss": 0.048,
        "loss_low": 0.02,
        "loss_high": 0.076,
    }
    finished = not best.empty
    trained = confirmed(*replicated)
    return Analysis(
        search=Search(
            trials=data["trials"],
            ranking=frame,
            guess=0.17,
            curves=pd.DataFrame(),
            leaders=leaders,
            contenders=best["trial"].tolist()[:11],
            space=pd.DataFrame(rows) if finished else space(frame, settings, []),
            budget=budget[: None if finished else 0],
            in_full=len(data["trials"]) - (frame["status"] == "diverged").sum(),
            rungs=rungs(data["trials"], settings["search"]),
        ),
        replication=Replication(
            confirmed=trained,
            best=confirmed_best(trained),
            rivals=rivals(_0=0, _3=0, _2=1) if finished else rivals(),
            confusion=confusion,
            linear=linear if finished else {},
            margin={"apart": 0.028, "apart_low": 0.015, "apart_high": 0.041} if finished else {},
            rise={"rise": 0.041, "rise_low": 0.02, "rise_high": 0.062, "splits": 10} if finished else {},
        ),
        held_out=HeldOut(
            np.zeros((4500, 784)), labels(0.102), np.array(list("0123456789")), np.array([], str)
        ),
        rows=used(settings),
        metrics=ranking.metrics(data, frame, settings["report"]["best"]),
        made_from=MADE_FROM,
    )


def used(settings):
    """How many rows train, and how many score."""
    val = share_of(settings["split"]["validation_rate"], settings["data"]["subsample"])
    return {"train": settings["data"]["subsample"] - val, "val": val}


def random_budget(trials, expected):
    """That of a random search; there are quartiles of 4 searches or more."""
    frame = pd.DataFrame({"trials": trials, "expected": expected, "low": 0.1, "high": 1.0})
    return frame.assign(median=frame["expected"].where(4 * frame["trials"] <= max(trials)))


def changed(analysis, **values):
    """The analysis with other values of some fields, of whichever part they are."""
    parts = {}
    for name in ("search", "replication", "held_out"):
        part = getattr(analysis, name)
        own = {field.name for field in fields(part)} & values.keys()
        parts[name] = replace(part, **{field: values.pop(field) for field in own})
    score = values.pop("score", analysis.score)
    assert not values
    return replace(analysis, score=score, **parts)


def pages(data, space=SPACE, best=20, method="random", problem="book", **values):
    """The English and the Japanese page of a search; some values of its analysis are others."""
    frame = ranking.rank(data, space)
    given = settings(space, max(len(frame), 100), best, method)
    if "confirmed" in values:
        alone = {"best": confirmed_best(values["confirmed"]), "rivals": rivals()}
        values = {**alone, **({"margin": {}} if alone["best"] is None else {}), **values}
    if "space_table" in values:
        values["space"] = values.pop("space_table")
    analysis = changed(fake(data, frame, given), **values)
    problem = Problem.named("book") if problem == "book" else problem
    image = problem.get("IMAGE", ())
    facts = context(given, analysis, edits(space), wording(problem, given), image)
    return [render(name, facts, width) for name, width in PAGES.items()]


def recommendations(space):
    """The table of a search over this space."""
    return fake(search(), ranking.rank(search(), space), settings(space)).search.space


def page(data, *args, **kwargs):
    return pages(data, *args, **kwargs)[0]


def flat(text):
    return " ".join(text.split())


def test_all_trials_are_published_or_it_is_said_where_they_are(monkeypatch):
    for rows, english, japanese in (
        (30, "All trials are in [ranking.csv](ranking.csv), the", "すべての試行は[ranking.csv]"),
        (29, "best 29 trials are in [ranking.csv](ranking.csv), all 30 in the one file in", "上位29個の試行"),
    ):
        monkeypatch.setattr(report_context, "PUBLISHED", rows)
        for text, sentence in zip(pages(search()), (english, japanese), strict=True):
            assert sentence in flat(text)
            assert ("results/ranking/" in text) == (rows < 30)


def test_a_crowded_map_is_said_to_show_cells(monkeypatch):
    assert "*Every trial at its place in the space. Grey lines" in flat(page(search()))
    monkeypatch.setattr(report_context, "CROWDED", 29)
    english, japanese = pages(search())
    assert "*The mean score of the trials in each cell of the space. Grey lines" in flat(english)
    assert "*区画ごとの認識精度の平均です。灰色の線が" in japanese
    assert "Every trial at its place" in flat(page(search(), BATCHES))  # over one hyper-parameter: dots


def test_without_advice_no_range_is_called_wider():
    for text in pages(search(), space_table=recommendations(SPACE).assign(advice=""), rise={}):
        blocks = re.findall(r"```yaml\n(.*?)```", text, re.S)
        assert all(YAML(typ="safe").load(block)["search"]["space"] for block in blocks)


def test_headline_by_hand():
    text = flat(page(search(diverged=(0, 9))))
    assert (
        "**Trial 1 scores highest of 30: it recognises 87 of 100 validation images (accuracy 0.87, 95 %: "
        "0.780 to 0.940), with lr 2.47e-06 and weight decay 2.22e-08.**"
    ) in text
    assert (
        "30 networks (2 hidden layers of 100 neurons, ReLU, SGD, batches of 100 images, 50 epochs), each "
        "with its own learning rate (lr) and weight decay (drawn at random), were trained on MNIST's first "
        "500 images, of which 20 % are for validation. Always naming the commonest digit of the 100 "
        "validation images would score 0.17; 2 trials do not score above that; 2 diverged and rank last."
    ) in text
    assert "`make trial C=1`" in text


def test_a_guess_is_judged_by_the_images_that_score_the_trials():
    """Not by those held out, of which the commonest class is 0.102."""
    data = table(*(record(k, [score], lr=1e-3, weight_decay=1e-6) for k, score in enumerate([50, 17, 9])))
    english, japanese = pages(data)
    assert "would score 0.17; 2 trials do not score above that." in flat(english)
    assert "認識精度は0.17になります。これを上回らない試行は2個です。" in japanese


@pytest.mark.parametrize(
    ("method", "sentence", "caption"),
    [
        ("random", "(drawn at random)", "*Every trial at its place in the space. Grey lines, if any"),
        (
            "halton",
            "(spread evenly by a scrambled Halton sequence)",
            "*Every trial at its place in the space. Grey lines, if any",
        ),
        ("grid", "(every combination of a grid)", "*Every combination of the grid."),
        (
            "bayes",
            "(the first 4 drawn at random, the rest proposed 4 at a time by a Gaussian process)",
            "*The background (over one hyper-parameter: the line) is the score that the search predicts",
        ),
    ],
)
def test_the_method_is_named(method, sentence, caption):
    text = flat(page(search(), method=method))
    assert f"each with its own learning rate (lr) and weight decay {sentence}, were trained" in text
    assert caption in text and f"method: {method}" in text


@pytest.mark.parametrize("data", [search(4), search(4, diverged=range(4))])
def test_a_bayesian_search_that_learnt_nothing_does_not_say_so(data):
    text = flat(page(data, method="bayes"))
    assert "(drawn at random), were trained" in text
    surface = any(trial["outcome"]["status"] == "finished" for trial in data["trials"])
    assert ("*The background" in text) == surface
    assert "*The background" not in flat(page(data, OPTIMIZERS, method="bayes"))


def test_a_grid_s_ranges_name_their_points():
    space = {name: {**spec, "points": 5} for name, spec in SPACE.items()}
    assert re.search(
        r"\| lr +\| log-uniform +\| +1e-06 to 0.01, 5 points +\|", page(search(), space, method="grid")
    )


def test_links_lead_to_the_reports_files():
    for text, other in zip(pages(search()), ("README.ja.md", "README.md"), strict=True):
        assert set(re.findall(r"\]\(([^)]*)\)", text)) == FILES | {other}


def test_alternative_texts_say_what_is_seen():
    """A screen reader reads these, and then the caption."""
    for text in pages(search()):
        confirmed_, curves, places, effects, budget_, mistaken = re.findall(r"!\[(.*?)\]\(", text)
        rows = re.findall(r"^\| +\d+ \| +\d+ \| =?(0\.\d\d) \|", text, re.M)[-20:]
        assert rows[0] in curves and rows[-1] in curves
        assert "0.860 ± 0.031" in confirmed_ and "1.23e-06" in places and budget_.count("0.") == 1
        assert "Weight decay" in effects.replace("weight", "Weight") and re.search("4.+9", mistaken)


def terminal_width(text):
    return sum(1 + (unicodedata.east_asian_width(character) in "FW") for character in text)


def agreeing(repeats, luck):
    """One trial of which all replicates agree, so that no interval is known."""
    trained = confirmed((1, 0, 0.7 + luck, 0.7, 0.7 + luck)).assign(repeats=repeats, val_sd=0.0)
    margin = {"apart": luck, "apart_low": np.nan, "apart_high": np.nan}
    return {"confirmed": trained.assign(luck_low=np.nan, luck_high=np.nan), "margin": margin}


def of_one_image(data):
    """A search in which one image scores the trials, and the first of them recognises it."""
    for trial in data["trials"]:
        trial["outcome"]["curve"] |= {"val_size": 1, "val_correct": [trial["trial"] == 0]}
    return data


NO_GAIN = random_budget([1, 15, 30], 0.5)


CASES = {
    "random": {},
    "grid": {"method": "grid"},
    "halton": {"method": "halton"},
    "bayes": {"method": "bayes"},
    "choices only": {"space": OPTIMIZERS},
    "all kinds": {"space": {**OPTIMIZERS, **SPACE, **BATCHES}},
    "none finished": {"data": search(3, diverged=range(3))},
    "one trial": {"data": search(1)},
    "two trials": {"data": search(2)},
    "ties": {"data": table(*(record(k, [70], lr=1e-3, weight_decay=1e-6) for k in range(4)))},
    "10,000 trials": {
        "data": table(*(record(k, [k % 90], lr=1e-3, weight_decay=1e-6) for k in range(10_000)))
    },
    "nothing confirmed": {"confirmed": confirmed(), "linear": {}, "rise": {}, "confusion": np.zeros((0, 0))},
    "none finished again": {"confirmed": confirmed((1, 0, 0.77, None, None), (2, 1, 0.76, None, None))},
    "some finished again": {"confirmed": confirmed((1, 0, 0.77, None, None), (2, 1, 0.76, 0.7, 0.71))},
    "one replicate": {
        "confirmed": confirmed((1, 0, 0.77, 0.7, 0.71)).assign(
            val_sd=np.nan, luck_low=np.nan, luck_high=np.nan, repeats=1
        ),
        "margin": {"apart": -0.09, "apart_low": np.nan, "apart_high": np.nan},
    },
    "no mistakes": {"confusion": np.eye(10)},
    "one image": {"data": of_one_image(search(3))},
    "one finished": {"data": search(3, diverged=(1, 2))},
    "one diverged": {"data": search(3, diverged=(1,))},
    "one is the best": {"space_table": recommendations(SPACE).assign(best=1)},
    "no gain": {"budget": NO_GAIN},
    "no luck to speak of": {"budget": NO_GAIN.assign(expected=[0.5, 0.5, 0.5002]), **agreeing(7, 0.0001)},
    "one that agrees": agreeing(1, 0.0),
    "two that agree": agreeing(2, 0.0),
    "seven that agree": agreeing(7, -0.0001),
}
every_case = pytest.mark.parametrize("case", CASES)


@cache
def case_pages(case):
    return pages(**{"data": search(), **CASES[case]})


@every_case
def test_tables_stand_straight_as_plain_text(case):
    for text in case_pages(case):
        tables = re.findall(r"(?:^\|.*\|\n)+", text, re.M)
        assert tables
        for lines in map(str.splitlines, tables):
            assert len({terminal_width(line) for line in lines}) == 1
            assert len({line.count("|") for line in lines}) == 1
            assert re.fullmatch(r"\|( -+:? \|)+", lines[1])


@every_case
def test_both_pages_have_the_same_numbers(case):
    english, japanese = (text.split("\n## ") for text in case_pages(case))
    assert len(english) == len(japanese)
    for one, other in zip(english, japanese, strict=True):
        shares = PERCENT.sub(lambda found: SHARE.sub(as_share, found[0]), flat(one))
        assert numbers(shares) == numbers(re.sub("2つ|3割|4分の1|1(つ|枚|割|回)", "", other)), one


# What a network recognises, 72.5 % (95 %: 71.0 to 74.0), is an accuracy in Japanese: 0.725 and so on
PERCENT = re.compile(r"(?<!below )\d+\.\d %( \(95 %: [\d.]+ to [\d.]+\))?")
SHARE = re.compile(r"\d+\.\d")


def as_share(percent):
    return f"{float(percent[0]) / 100:.3f}"


def numbers(text):
    return set(re.findall(r"[-+<=]?\d[\d,.]*(?:e[-+]\d+)?", re.sub(r"[,.](?!\d)", "", text)))


@every_case
def test_a_page_is_whole(case):
    for text in case_pages(case):
        plain = re.sub(r"```.*?```", "", text, flags=re.S)
        assert not re.search(r"[{}]|%\}|\b(nan|NaN|None|Undefined|inf)\b(?!）)", plain)
        assert "\n\n\n" not in text and "  \n" not in text and text.endswith("\n") and text[0] == "#"
        assert not re.search(r"[^|`\s] {2,}[^|\s]", re.sub(r"^\|.*", "", plain, flags=re.M))
        for block in re.findall(r"```yaml\n(.*?)```", text, re.S):
            assert YAML(typ="safe").load(block)
        linked = re.findall(r"^\[!\[[^]]+\]\((.+)\.png\)\]\((.+)\.svg\)\n\n(.)", text, re.M)
        assert len(linked) == text.count(".png")
        assert all(png == svg and caption == "*" for png, svg, caption in linked), "a caption to each"


def test_each_page_leads_to_the_other():
    english, japanese = pages(search())
    assert english.splitlines()[2] == "[日本語](README.ja.md)"
    assert japanese.splitlines()[2] == "[English](README.md)"


def test_japanese_paragraphs_are_one_line_and_have_no_space_between_sentences():
    _, japanese = pages(search())
    prose = re.sub(r"```.*?```|^[|#\-].*$", "", japanese, flags=re.M | re.S)
    assert not re.search(r"。[ \n]+[^\n]", re.sub(r"\n\n", "¶", prose))
    assert not re.search(r"[ぁ-ん] +[ぁ-ん]", prose)


def test_bold_japanese_is_bold():
    """What closes bold text must not stand between a punctuation mark and a letter (CommonMark 0.31, 6.2)."""
    for case in CASES:
        _, japanese = case_pages(case)
        for line in japanese.splitlines():
            parts = line.split("**")
            assert len(parts) % 2
            for bold, after in zip(parts[1::2], parts[2::2], strict=True):
                assert unicodedata.category(bold[-1])[0] != "P" or not after or after[0] in " （。、："


@pytest.mark.parametrize(
    ("space", "batch", "english", "japanese"),
    [
        (SPACE, 100, "after its last update, 3 updates later.", "（3回あとの更新）"),
        (SPACE, 200, "after its last update, 1 update later.", "（1回あとの更新）"),
        (SPACE, 400, "after its last update, here the same one.", "（ここでは同じ更新）"),
        (SPACE, 1000, "after its last update, here the same one.", "（ここでは同じ更新）"),
        ({**SPACE, **BATCHES}, 100, "after its last update. *Train*", "最後の更新のあと"),
    ],
)
def test_how_many_updates_the_ranking_does_not_see(space, batch, english, japanese, monkeypatch):
    given = settings(space, 100)
    given["training"]["batch_size"] = batch
    monkeypatch.setitem(globals(), "settings", lambda *_: given)
    one, other = pages(search(), space)
    assert english in flat(one) and japanese in other


@pytest.mark.parametrize(
    ("images", "said"), [(None, False), (30, True), (399, True), (400, False), (60_000, False)]
)
def test_curves_of_a_part_of_the_images_are_said_to_be_that(images, said, monkeypatch):
    """Only the final accuracy, and the linear model, are of all 100 validation images (400 train)."""
    given = settings()
    given["training"]["evaluate_samples"] = images
    monkeypatch.setitem(globals(), "settings", lambda *_: given)
    english, japanese = pages(search())
    assert (
        f"are of at most the first {images} images of each set (`evaluate_samples`)" in flat(english)
    ) == said
    assert ("*final* and the linear model are of all 100 validation images." in flat(english)) == said
    assert (f"先頭{images}枚まで" in japanese) == ("検証データ100枚すべて" in japanese) == said


@given(epochs=st.integers(1, 12), batch=st.integers(1, 60), images=st.integers(2, 50))
def test_updates_after_the_last_evaluation_are_the_trainer_s(epochs, batch, images):
    given = settings()
    given["data"]["subsample"] = images
    given["training"] |= {"epochs": epochs, "batch_size": batch}
    train = [np.zeros((used(given)["train"], 1)), np.zeros(used(given)["train"], np.uint8)]
    trainer = Trainer(None, *train, *train, epochs=epochs, batch_size=batch, optimizer=None, rng=None)
    assert book._updates(given) == (trainer.max_iter, trainer.max_iter - 1 - max(trainer.evaluations))


def test_one_image_cannot_be_drawn_again():
    assert "4,000 times; the column is how often the trial is then the best." in flat(page(search()))
    for text, words in zip(case_pages("one image"), ("Comes first*", "1位の割合」"), strict=True):
        assert words not in text


def test_black_dots_are_named_where_there_are_any():
    for contenders, english, japanese in (
        (
            [0, 1, 2],
            "Black dots are Best-1 and the 2 that cannot be",
            "黒い点は、Best-1と、それと区別できない2個の",
        ),
        (
            [0, 1],
            "Black dots are Best-1 and the one that cannot be",
            "黒い点は、Best-1と、それと区別できない試行",
        ),
        ([0], "The black dot is Best-1.", "黒い点は、Best-1です。"),
    ):
        one, other = pages(search(), contenders=contenders)
        assert english in flat(one) and japanese in other
    one, other = pages(search(3), contenders=[0, 1, 2])
    assert "lack dot" not in one and "黒い点" not in other


def test_what_survived_is_said():
    text = flat(page(search()))
    assert (
        "**Trained again:** the best 5 trials were each trained 10 more times, with new initial weights, new "
        "batches, and the 500 images divided anew into training and validation images. Trial 1 (2nd in the "
        "search, so Best-2) has the highest mean validation accuracy: 0.870 ± 0.031 (± standard deviation). "
        "With 100 validation images a time, that lead may be chance. On 4,500 held-out "
        "images (later ones of MNIST's training images, and not its 10,000 test images; 449 to 459 of each "
        "digit), which the search never saw, small differences may show: its networks recognise 83.0 % "
        "(95 %: 81.7 to 84.3), significantly more than those of trial 2, so it may really be better. On "
        "these images it cannot be distinguished from trials 0 and 3."
    ) in text
    assert (
        "**Best-1 scored 0.89 in the search, and 0.860 ± 0.031 when trained again.** The difference (*luck*) "
        "may be chance (95 %: -1.0 to 7.0 points). A search picks the trial with the highest score, and a "
        "high score is often partly luck (the winner's curse). Its replicates recognise 85.0 % of the "
        "held-out images, 1.0 points less than of their validation images. A linear model, which no search "
        "picked, loses 4.8 points (95 %: 2.0 to 7.6): these images are harder."
    ) in text


@pytest.mark.parametrize(
    ("apart", "sentence"),
    [
        ((0.098, 0.08, 0.116), "the network beats it by 9.8 points (95 %: 8.0 to 11.6)."),
        (
            (-0.011, -0.03, 0.008),
            "the network cannot be distinguished from it; it is 1.1 points behind (95 %: 3.0 behind to "
            "0.8 ahead).",
        ),
        (
            (-0.302, -0.32, -0.28),
            "the network does not beat it; it is 30.2 points behind (95 %: 28.0 to 32.0).",
        ),
        (
            (-0.0004, -0.03, 0.0),
            "the network cannot be distinguished from it; it is about level (95 %: 3.0 behind to level).",
        ),
    ],
)
def test_the_network_against_a_linear_model(apart, sentence):
    assert f"recognises 80.2 % (95 %: 79.0 to 81.4) of the held-out images: {sentence}" in beside_linear(
        apart
    )


def beside_linear(apart, repeats=10):
    margin = dict(zip(("apart", "apart_low", "apart_high"), apart, strict=True))
    trained = confirmed((1, 0, 0.77, 0.7, 0.71)).assign(repeats=repeats)
    return flat(page(search(), margin=margin, confirmed=trained))


@pytest.mark.parametrize(
    ("repeats", "apart", "sentence"),
    [
        (1, -0.302, "30.2 points more than the network, but one training says little."),
        (1, 0.0, "of the held-out images: about as many as the network, but one training says little."),
        (5, 0.302, "30.2 points less than the network, but 5 trainings that agree say little."),
        (6, 0.302, "the network beats it by 30.2 points."),
        (6, -0.302, "the network does not beat it; it is 30.2 points behind."),
    ],
)
def test_trainings_that_agree_are_a_sign_test(repeats, apart, sentence):
    assert sentence in beside_linear((apart, np.nan, np.nan), repeats)


@pytest.mark.parametrize(
    ("score", "sentence"),
    [
        (0.75, "of which 5.0 points (95 %: 1.0 to 9.0) were luck (the winner's curse)."),
        (0.73, "may be chance (95 %: -1.0 to 7.0 points). A search picks the trial with the highest score"),
        (0.64, "Its score was not luck: trained again, it gains 6.0 points (95 %: 2.0 to 10.0)."),
        (0.7, "The two are about the same (95 %: -4.0 to 4.0 points). A search picks the trial with"),
    ],
)
def test_how_much_of_a_score_was_luck(score, sentence):
    text = flat(page(search(), confirmed=confirmed((1, 0, score, 0.7, 0.75))))
    assert sentence in text
    assert ("winner's curse" in text) == (score >= 0.7)


@pytest.mark.parametrize(
    ("repeats", "english", "japanese"),
    [
        (1, "One replicate cannot show how much", "1回の再学習では分かりません"),
        (2, "2 replicates that agree are too few to show how much", "一致した2回の再学習では少なすぎて"),
        (5, "5 replicates that agree are too few to show how much", "一致した5回の再学習では少なすぎて"),
        (6, "of which 8.0 points were luck (the winner's curse).", "差の8.0ポイントは運によるもの"),
    ],
)
def test_replicates_that_agree_prove_luck_from_six_on(repeats, english, japanese):
    again = confirmed((1, 0, 0.78, 0.7, 0.75)).assign(repeats=repeats, luck_low=np.nan, luck_high=np.nan)
    one, other = pages(search(), confirmed=again)
    assert english in flat(one) and japanese in other


@pytest.mark.parametrize("data", [search(1), search(3, diverged=(1, 2))], ids=["one", "one finished"])
def test_a_trial_that_was_not_picked_has_no_winner_s_curse(data):
    for score in (0.75, 0.64):
        english, japanese = pages(data, confirmed=confirmed((1, 0, score, 0.7, 0.75)))
        assert "so it was not picked for its score, and there is no winner's curse." in flat(english)
        assert "「勝者の呪い」はありません" in japanese
        assert not re.search("were luck|not luck|highest of", flat(english))


def test_a_verdict_is_where_the_one_function_gives_it(monkeypatch):
    """No sentence compares ends of intervals by itself."""
    verdicts = ("beats it by", "were luck", "these images are harder", "**It learned:**", "not over")

    def said():
        margin = {"apart": 0.3, "apart_low": 0.2, "apart_high": 0.4}
        text = flat(page(search(), confirmed=confirmed((1, 0, 0.9, 0.7, 0.65)), margin=margin))
        return [verdict in text for verdict in verdicts]

    assert all(said())
    monkeypatch.setattr(report_replicated, "sign_of_difference", lambda *_: 0)
    assert not any(said())


def test_no_template_compares_an_end_of_an_interval():
    for path in TEMPLATES.glob("*.j2"):
        assert not re.search(r"_(low|high) *[<>]|[<>]=? *[\w.]*_(low|high)\b", path.read_text()), path.name


def test_highest_with_others_says_with_how_many():
    tied = table(*(record(k, [70 - k // 3], lr=1e-3, weight_decay=1e-6) for k in range(5)))
    english, japanese = pages(tied)
    assert "**Trial 0 scores highest of 5, tied with 2 others: it" in flat(english)
    assert "（同じ値の試行が、ほかに2個あります）" in japanese
    two = confirmed((1, 0, 0.7, 0.6, 0.6), (2, 1, 0.7, 0.6, 0.6), (3, 2, 0.7, 0.5, 0.6))
    english, japanese = pages(search(), confirmed=two, rivals=rivals(_1=0, _2=0))
    assert (
        "Trial 0 (1st in the search, so Best-1) has the highest mean validation accuracy, tied with trial 1: "
        "0.600 ± 0.031 (± standard deviation). With 100 validation images a time, its lead over trial 2 may "
        "be chance."
    ) in flat(english)
    assert "Best-1。試行1も同じ値）" in japanese and "枚なので、試行2との差は" in japanese


def test_the_confirmed_best_need_not_be_the_highest():
    often = confirmed((1, 0, 0.7, 0.8, 0.6), (2, 1, 0.7, 0.6, 0.6), (3, 2, 0.7, None, None))
    often["diverged"] = [3, 0, 10]
    english, japanese = pages(search(), confirmed=often, rivals=rivals(_0=0, _2=0))
    assert "has the highest mean validation accuracy of those that diverged least: 0.600" in flat(english)
    assert "lead" not in flat(english) and "cannot be distinguished from trial 0." in flat(english)
    assert "発散が最も少ないものの中で、検証データの認識精度の平均が最も高かったのは試行1" in japanese


UNWRITTEN = (
    r"(?<![\d.,])1 (?:validation |random |other )?(?:trial|image|epoch|network|replicate|other|training)s\b",
    r"(?<![\d.,])(?:0|[2-9]|\d\d+) (?:validation |other )?(?:image|epoch|network|replicate|training)\b",
    r"\b1 diverged and rank\b|\b(?:the|these|best) 1(?![,\d])|上位1個",
    r"(?<![\d.])0\.0 ?(?:points|ポイント)",  # a difference of nothing
    r"\(95 %: (-?[\d.]+) to \1\)|95%信頼区間(-?[\d.]+)～\2",  # an interval without width
)


@every_case
def test_what_is_one_or_nothing_is_written_so(case):
    for text in case_pages(case):
        prose = flat(re.sub(r"```.*?```", "", text, flags=re.S))
        for pattern in UNWRITTEN:
            found = re.search(pattern, prose)
            assert not found, f"...{prose[max(0, found.start() - 60) : found.end() + 30]}..."


@pytest.mark.parametrize(
    ("repeats", "networks", "others"),
    [
        (
            [10, 10],
            "the mean of the 10 networks of",
            "networks trained on 400 of the same 500 images, and for",
        ),
        ([10, 9], "the mean of the networks of", "networks trained on 400 of the same 500 images, and for"),
        ([1, 1], "of the one network of", "held-out images, but not for other networks."),
    ],
)
def test_how_many_networks_the_held_out_mean_is_of(repeats, networks, others):
    again = confirmed((1, 0, 0.77, 0.7, 0.71), (2, 1, 0.76, 0.7, 0.71)).assign(repeats=repeats)
    sentence = f"*Held out* is {networks} a trial; its interval allows for other {others}"
    assert sentence in flat(page(search(), confirmed=again))


def test_held_out_images_are_said_to_be_of_each_class():
    t = np.arange(4500) % 10
    assert "test images; 450 of each digit), which the search never" in flat(page(search(), t=t))
    english, japanese = pages(search(), t=np.append(t, 3))
    assert "test images; 450 to 451 of each digit), which" in flat(english)
    assert "数字ごとに450～451枚）" in japanese


def test_one_replicate_says_nothing_about_luck_or_other_networks():
    text = flat(case_pages("one replicate")[0])
    assert "One replicate cannot show how much of its score was luck. Its replicate recognises 71.0 %" in text
    assert "1.0 points more than of its validation images." in text
    assert "its interval allows for other held-out images, but not for other networks." in text
    assert "one training says little" in text


@pytest.mark.parametrize(
    ("others", "sentence"),
    [
        (
            rivals(_0=1, _2=1, _3=1, _4=1),
            ", significantly more than those of the other 4, so it may really be better.",
        ),
        (
            rivals(_3=1, _5=1),
            ", significantly more than those of the other 2 that finished, so it may really be better.",
        ),
        (
            rivals(_3=0, _5=1),
            ", significantly more than those of trial 5, so it may really be better. On these images it "
            "cannot be distinguished from trial 3.",
        ),
        (rivals(_3=0), "never saw, its networks recognise 83.0 % (95 %: 81.7 to 84.3). On these images it"),
        (
            rivals(_0=0, _3=-1, _7=0),
            ", significantly less than those of trial 3, which may be better. On these images it cannot be "
            "distinguished from trials 0 and 7.",
        ),
    ],
)
def test_who_cannot_be_distinguished_from_the_confirmed_best(others, sentence):
    text = flat(page(search(), rivals=others))
    assert sentence in text
    assert ("more than those of the other" in text) == ("more than those of the other" in sentence)
    alone = page(search(), confirmed=confirmed((1, 0, 0.77, 0.7, 0.75)))
    assert "significantly" not in flat(alone)


@pytest.mark.parametrize("sure", [0, 1])
def test_a_lead_on_validation_images_may_be_chance(sure):
    text = flat(page(search(), rivals=rivals(_0=0, _3=1).assign(val=[1, sure])))
    assert ("With 100 validation images a time, its lead over trial 3 may be chance." in text) != sure
    assert ("(± standard deviation). That lead is significant. On 4,500" in text) == sure
    none_is_sure = flat(page(search(), rivals=rivals(_0=0, _3=1).assign(val=0)))
    assert "With 100 validation images a time, that lead may be chance." in none_is_sure


@pytest.mark.parametrize(
    ("guess", "sentence"), [(0.1, "**It learned:**"), (0.82, "**There is no sign that it learned:**")]
)
def test_whether_it_learned(guess, sentence):
    text = flat(page(search(), t=labels(guess)))
    assert f"{sentence} trial 1 recognises 83.0 % (95 %: 81.7 to 84.3) of the held-out images" in text
    assert f"always naming their commonest digit would recognise {100 * guess:.1f} %." in text
    assert "commonest digit of the 100 validation images would score 0.17" in text, "whatever is held out"


def test_lines_are_explained_where_a_map_has_them():
    sentence = "lines, if any, join points of equal predicted score (by a Gaussian process"
    methods = {"random": True, "halton": True, "grid": False, "bayes": False}
    assert {each: sentence in flat(page(search(), method=each)) for each in methods} == methods
    assert sentence not in flat(page(search(), OPTIMIZERS))
    assert sentence not in flat(page(search(3, diverged=range(3))))


def test_what_to_do_next():
    text = flat(page(search()))
    assert (
        "**Next:** widen lr upwards: the best lie at the very end of the range, and scores rise to it, so "
        "better ones may lie beyond (see *The whole search*). After that, train longer (see *What next*)."
    ) in text
    assert (
        "**lr: widen it upwards.** 8 of the best 10 lie in the upper tenth of its range (p = 0.002), and the "
        "scores of the 8 trials in the outer three tenths rise to the end, so better ones may lie beyond."
    ) in text
    assert "**weight decay: no effect found** (p = 0.410)." in text
    more = "plus 10 replicates of each trial that enters the best 5."
    assert f"This keeps 63 of 100 trials and trains 37, {more}" in text
    assert (
        "**Only the good part:** instead of the wider range, search only where the 11 trials lie that cannot "
        "be distinguished from the best: lr from 0.001 (a little below the lowest of them) to 0.1 (as in the "
        f"wider range). This edit keeps 21 of 100 trials and trains 79, {more}"
    ) in text
    assert "arrower" not in text and "狭め" not in pages(search())[1]


@pytest.mark.parametrize(
    ("low", "high", "english", "japanese"),
    [
        (1e-4, 1e-2, "lr from 0.0001 (a little below the lowest of them) to 0.01. This", "から0.01までです"),
        (
            1e-6,
            1e-3,
            "lr from 1e-06 to 0.001 (a little above the highest of them). This",
            "は1e-06から0.001（",
        ),
        (
            1e-4,
            1e-3,
            "(a little below the lowest of them) to 0.001 (a little above the",
            "最も大きい値の少し上",
        ),
    ],
)
def test_an_end_of_a_narrower_range_is_said_to_be_moved_if_it_is(low, high, english, japanese, monkeypatch):
    narrow = Edit({**SPACE, "lr": {**SPACE["lr"], "low": low, "high": high}}, 21, 100)
    monkeypatch.setitem(globals(), "edits", lambda _: {"wider": Edit(SPACE, 100, 100), "next": narrow})
    one, other = pages(search(), space_table=recommendations(SPACE).assign(advice=""))
    assert "**Narrower ranges:** search only where the 11 trials lie" in flat(one) and english in flat(one)
    assert "**範囲を狭める**：最良の試行と区別できない11個の試行のある範囲だけ" in other and japanese in other


def test_an_edit_costs_replicates_of_trials_that_enter(monkeypatch):
    given = settings(trials=100)
    given["replicate"] = {"trials": 1, "replicates": 1, "seed": 7}
    monkeypatch.setitem(globals(), "settings", lambda *_: given)
    english, japanese = pages(search())
    assert "trains 37, plus 1 replicate of the best trial if that is another one." in flat(english)
    assert "最良の試行が入れ替われば、1回の再学習も行います。" in japanese


def test_another_round_that_only_widens_is_not_said_to_narrow(monkeypatch):
    wide = edits(SPACE)["wider"]
    monkeypatch.setitem(globals(), "edits", lambda _: {"wider": wide, "next": wide})
    english, japanese = pages(search())
    assert "narrow" not in english and "**Wider ranges:** see the edit above." in english
    assert "**範囲を広げる**：上の編集のとおりです" in japanese


def test_another_round_counts_no_more_than_finished():
    english, japanese = pages(search(12, diverged=range(3, 12)), contenders=[0])
    assert (
        "search only where the best 3 trials lie: lr" in flat(english) and "上位3個の試行のある" in japanese
    )


def test_a_range_is_not_widened_to_where_scores_fall():
    table_ = recommendations(SPACE)
    table_.loc[0, ["advice", "falls"]] = ["", "up"]
    english, japanese = pages(search(), space_table=table_)
    assert (
        "**lr: wide enough.** 8 of the best 10 lie in the upper tenth of its range (p = 0.002), but from "
        "there to the end scores fall or trials diverge."
    ) in flat(english)
    assert "**学習率：範囲は十分に広い**" in japanese and "widen" not in english


@pytest.mark.parametrize(
    ("low", "high", "which"),
    [
        ("clear", "falls", None),
        ("clear", "untested", "its upper end"),
        ("unclear", "clear", "its lower end"),
        ("untested", "untested", "its ends"),
        ("untested", "unclear", "its lower or upper end"),
    ],
)
def test_an_end_that_was_not_tested_is_not_called_clear(low, high, which, monkeypatch):
    same = Edit(SPACE, 100, 100)
    monkeypatch.setitem(globals(), "edits", lambda _: {"wider": same, "next": same})
    table_ = recommendations(SPACE)
    table_.loc[0, ["advice", "low_end", "high_end"]] = ["", low, high]
    english, japanese = pages(search(), space_table=table_, rise={})
    said = f"; whether better ones lie beyond {which}, these trials do not tell."
    assert english.count("## ") == english.count("\n\n## ") and japanese.count("## ") == japanese.count(
        "\n\n## "
    )
    assert f"**lr: it has an effect** (p < 0.001){said if which else ', and both ends are clear.'}" in flat(
        english
    )
    assert ("beyond the ends of lr, these trials do not tell" in flat(english)) == bool(which)
    assert ("のもっと良い値があるかどうか" in japanese.replace("外に", "外の")) == bool(which)
    states = {"clear": "clear", "falls": "falls", "unclear": "unclear", "untested": "not tested"}
    assert f"10 % (13 %), {states[low]} " in english and f"80 % (7 %), {states[high]} " in english


def test_a_search_that_learns_is_judged_by_its_proposals():
    table_ = recommendations(SPACE).assign(p_effect=np.nan, p_low=np.nan, p_high=np.nan, piled_low=0.0)
    english, japanese = pages(search(), method="bayes", space_table=table_.assign(piled_high=0.79))
    assert "8 of the best 10 and 79 % of the later proposals lie in the upper tenth of its range" in flat(
        english
    )
    assert "the predicted score rises to the end" in flat(english) and not re.search(r"\(p [<=]", english)
    assert "後半に提案された点の79%が" in japanese and "予測値も端に向かって" in japanese


def rising(low, high, repeats=10, **more):
    rise = {"rise": (low + high) / 2, "rise_low": low, "rise_high": high, "splits": repeats}
    return flat(page(search(), space_table=recommendations(SPACE).assign(advice=""), rise=rise, **more))


def test_curves_that_rise_at_their_end_ask_for_more_epochs():
    text = rising(0.02, 0.06)
    sentence = (
        "50 epochs are 200 updates, and in the last 10 epochs the validation accuracy of the 5 trials that "
        "were trained again still rises by 4.0 points on average (95 %: 2.0 to 6.0)."
    )
    assert f"Training is not over: {sentence}" in text
    assert (
        f"**More epochs:** {sentence} With twice as many, all 30 trials and the replicates of those that "
        "stay among the best go on from where they stopped" in text
    )
    assert "**Next:** train longer, `epochs: 100`, as accuracy still rises at the end" in text


@pytest.mark.parametrize(
    ("low", "high", "sentence"),
    [
        (
            -0.01,
            0.03,
            "the validation accuracy of the replicates rises by 1.0 points, "
            "which may be chance (95 %: -1.0 to 3.0).",
        ),
        (-0.05, -0.01, "the validation accuracy of the replicates falls by 3.0 points (95 %: -5.0 to -1.0)."),
    ],
)
def test_curves_that_do_not_surely_rise_do_not(low, high, sentence):
    text = rising(low, high)
    assert f"there is no sign that they would help. In the last 10 epochs {sentence}" in text
    assert "raining is not over" not in text and "train longer" not in text


def test_a_grid_that_outgrows_its_trials_is_given_more(monkeypatch):
    wide = edits(SPACE)["wider"]
    grown = Edit(wide.space, 30, 136)
    monkeypatch.setitem(globals(), "edits", lambda _: {"wider": grown, "next": grown})
    english, _ = pages(search(), method="grid")
    assert "This keeps 30 of 136 trials and trains 106, plus" in flat(english)
    block, *_ = re.findall(r"```yaml\n(.*?)```", english, re.S)
    assert YAML(typ="safe").load(block)["search"]["trials"] == 136


def test_the_book_s_own_outcome_stands_beside_its_own_search_only(monkeypatch):
    given = settings(trials=100)
    given["model"] |= {"hidden_depth": 6, "weight_init": "relu"}
    monkeypatch.setitem(globals(), "settings", lambda *_, **__: given)
    english, japanese = pages(search())
    assert (
        "(The book's own script draws anew in every run: over several runs, its Best-1 was between 0.75 and "
        "0.86.)" in flat(english)
    )
    assert "Best-1は0.75から0.86の間" in japanese
    given["training"]["epochs"] = 51
    assert "own script" not in page(search())


def test_many_that_diverged_are_named_before_anything_else_is_done():
    assert "10 of 30 trials diverged" not in flat(page(search(diverged=range(10))))
    english, japanese = pages(search(diverged=range(11)))
    assert "**Next:** leave out the ranges where trials diverge, as 11 of 30 did (see" in flat(english)
    assert "30個の試行のうち11個が発散した" in japanese


def test_the_ranges_to_write_are_yaml_for_params():
    wider, epochs, following, _ = re.findall(r"```yaml\n(.*?)```", page(search()), re.S)
    assert YAML(typ="safe").load(epochs) == {"training": {"epochs": 100}}
    lr = {"distribution": "log_uniform", "low": 1e-6, "high": 0.1}
    assert YAML(typ="safe").load(wider) == {"search": {"space": {"lr": lr}}}
    expected = {**SPACE, "lr": {**lr, "low": 1e-3}}
    assert YAML(typ="safe").load(following) == {"search": {"space": expected}}


@pytest.mark.parametrize(
    ("equal", "gain", "sentence"),
    [
        (7, 0.036, "The rise of 3.6 points is within that, so it is no sign that more trials would help."),
        (7, 0.4, "The rise of 40.0 points is more than that, so more trials may help."),
        (1, 0.002, "Only one trial is the best, so this is not luck among equals: more trials may help."),
    ],
)
def test_the_last_doubling_beside_luck(equal, gain, sentence):
    """Of 7 scores of 30 with mean 0.83 of 100 images, a doubling brings 1.7 points by luck."""
    budget = random_budget([1, 15, 30], [0.2, 0.5, 0.5 + gain])
    data = search()
    contenders = ranking.rank(data, SPACE)["trial"].tolist()[:equal]
    text = flat(page(data, budget=budget, contenders=contenders))
    assert f"From 15 to 30 trials the expected best rose by {100 * gain:.1f} points." in text
    assert sentence in text
    assert (
        "Best-1 and the 6 trials that cannot be distinguished from it: if all 7 were equally good, doubling "
        "the trials would raise the best score by 1.7 points on average by luck alone, and rarely by more "
        f"than 4.2. {sentence}" in text
    ) == (equal == 7)


@pytest.mark.parametrize(
    ("others", "contenders", "unequal"),
    [
        (rivals(_0=0, _3=1), [0, 1, 2, 3], True),
        (rivals(_0=0, _3=-1), [0, 1, 2, 3], True),
        (rivals(_0=0, _3=1), [0, 1, 2], False),
        (rivals(_0=1, _3=1), [0, 3], False),
        (rivals(_0=0, _3=0), [0, 1, 2, 3], False),
    ],
    ids=["better", "worse", "than no contender", "itself no contender", "alike"],
)
def test_contenders_that_held_out_images_distinguish_are_not_equally_good(others, contenders, unequal):
    """Trial 1 is the confirmed best."""
    english, japanese = pages(search(), rivals=others, contenders=contenders)
    assert ("(By the held-out images, the" in flat(english)) == unequal
    assert ("これは大まかな目安です" in japanese) == unequal


def test_single_searches_are_counted():
    assert "size (7 of 4); the tick is the median" in flat(page(search()))
    english, japanese = pages(search(100))
    assert "size (25 of 4, 12 of 8, 6 of 16); the tick is the median" in flat(english)
    assert "4個ずつ25回、8個ずつ12回、16個ずつ6回の探索に切り分け" in japanese
    assert "The bars" not in page(search(15))


def test_few_trials_say_nothing_about_more():
    assert "These trials are too few to say whether more would help." in flat(page(search(19)))
    text = page(search(1))
    assert "budget.png" not in text


def test_a_search_that_learns_says_when_it_last_gained():
    text = flat(page(search(), method="bayes"))
    assert "After 30 trials the best is 0.77. The last gain came with the 8th of them." in text
    assert "no test of them is valid" in text and "if p is below" not in text


def test_when_a_grid_came_upon_its_best_means_nothing():
    text = flat(page(search(), method="grid"))
    assert "when the best came says nothing" in text and "last gain" not in text


def test_leaders_that_cannot_be_distinguished_from_the_best():
    text = page(search())
    assert "**10 of the other 29 cannot be distinguished from Best-1**" in flat(text)
    english, japanese = pages(search(), contenders=[0])
    assert "**The other 29 can be distinguished from Best-1** on these 100 images (p is below" in flat(
        english
    )
    assert "**残りの29個は、この100枚の画像ではBest-1と区別できます**" in japanese and "0.05未満" in japanese
    assert "**The other 2 cannot be distinguished" in flat(page(search(3), contenders=[0, 1, 2]))
    tied = page(table(*(record(k, [70], lr=1e-3, weight_decay=1e-6) for k in range(2))))
    assert re.findall(r"\| +(=0\.\d+) \| 0\.610–", tied) == ["=0.70", "=0.70"]


def test_the_most_confused_pair():
    text = flat(page(search()))
    assert (
        "Its commonest mistake is to take 4 for 9: 31 % of the images of 4. It recognises the digits 0, 1, "
        "2, 3, 5, 6, 7, 8 and 9 best (82 %) and 4 worst (51 %)."
    ) in text


def test_the_most_confused_pair_of_three_classes():
    confusion = np.array([[0.9, 0.1, 0.0], [0.0, 1.0, 0.0], [0.25, 0.05, 0.7]])
    text = flat(page(search(), confusion=confusion))
    assert "to take 2 for 0: 25 % of the images of 2. It recognises the digit 1 best (100 %) and 2" in text
    assert "and 2 worst (70 %)." in text
    confusion = np.array([[0.8, 0.2, 0.0], [0.0, 0.8, 0.2], [0.0, 0.2, 0.8]])
    text = flat(page(search(), confusion=confusion))
    assert "One of its 3 commonest mistakes is to take 0 for 1" in text
    assert "It recognises each digit equally well (80 %)." in text


@pytest.mark.parametrize("confusion", [np.eye(10), 0.9 * np.eye(10) + 0.01], ids=["no mistake", "some"])
def test_other_images_go_by_their_own_words(confusion):
    english = {"data": "178 wines", "class": "grape", "held_out": "late", "credit": "The rows are from UCI."}
    japanese = {"data": "ワイン", "class": "品種", "held_out": "後半", "credit": "UCIのデータです。"}
    wine = SimpleNamespace(**{**vars(book), "words": lambda settings: {"en": english, "ja": japanese}})
    both = pages(search(), problem=Problem("wine", wine), confusion=confusion)
    for text, own, mnist in zip(both, (english, japanese), book.words(settings()).values(), strict=True):
        assert all(word in text for word in own.values())
        assert not any(mnist[word] in text for word in own) and "LeCun" not in text


def test_top_table_has_the_best_and_no_more():
    text = page(search(diverged=(3,)), best=4)
    _, text = text.split("## The best 4\n")
    rows = re.findall(r"^\| +(\d+) \| +(\d+) \| +([\d.]+) ", text, re.M)
    assert rows == [("1", "0", "0.89"), ("2", "1", "0.87"), ("3", "2", "0.85"), ("4", "4", "0.81")]


def test_accuracies_of_a_column_have_as_many_decimals():
    data = search(2)
    data["trials"][0]["outcome"]["curve"]["train_correct"][-1] = 335
    assert re.findall(r"^\|.* (0\.8\d+) \|[^|]+\| +(0\.\d+) \| +0\.\d+ \|", page(data), re.M) == [
        ("0.89", "0.8375"),
        ("0.87", "0.8700"),
    ]


def test_what_was_searched_and_where_the_best_are():
    given = {"lr": SPACE["lr"], **OPTIMIZERS}
    table_ = recommendations(given).assign(best=4)
    text = page(search(), given, space_table=table_)
    assert re.search(r"\| lr +\| log-uniform +\| 1e-06 to 0.01 +\| 1.23e-06 to 4.94e-06 +\|", text)
    assert re.search(
        r"\| optimizer +\| choice +\| sgd, momentum, adam +\| sgd 2, momentum 1, adam 1 +\|", text
    )


def test_settings_are_yaml_that_gives_them_back():
    *_, block = re.findall(r"```yaml\n(.*?)```", page(search()), re.S)
    written = settings(trials=100)
    del written["search"]["hyperparameters"]  # which are not in params.yaml
    assert YAML(typ="safe").load(block) == written
    assert [line for line in block.splitlines() if "#" in line] == ["  lr: 1.0e-06  # searched instead"]


@pytest.mark.parametrize(
    "value", ["no", "1e5", "null", "a: b", "#", "", 1e-12, 1e22, 0.1, -3e-9, True, None, [1, "x"]]
)
def test_any_value_survives_the_yaml(value):
    data = {**settings(), "report": {"best": value}}
    block = as_yaml(data)
    for version in ((1, 1), (1, 2)):
        yaml = YAML(typ="safe", pure=True)
        yaml.version = version
        assert yaml.load(block)["report"]["best"] == value


def test_facts_are_shown():
    text = page(search())
    assert f"SHA-256: `{'ab' * 32}`" in text and "- NumPy: `2.4.6`" in text and "- blas: `any`" in text
    assert "MNIST" in text and "LeCun" in text and "`make run`" in text


def test_no_trial_finished():
    text = page(search(3, diverged=(0, 1, 2)))
    assert "**No trial finished" in text and "There is none." in text and "best20" not in text
    assert "make trial" not in text


def test_one_trial_with_one_choice():
    text = flat(page(table(record(0, [51], optimizer="adam")), OPTIMIZERS))
    assert "Trial 0 is the only one:" in text and "with optimizer adam.**" in text
    assert (
        "1 network (2 hidden layers of 100 neurons, ReLU, batches of 100 images, 50 epochs), with its own "
        "optimizer" in text
    )
    assert "[Learning curves of the best trial: validation accuracy ends at 0.51]" in text


def test_lines_fit_a_terminal():
    prose = [line for line in page(search()).splitlines() if not line.startswith(("|", "- ", "[!"))]
    assert max(map(len, prose)) <= 100
    assert page(search()).endswith("\n") and "\n\n\n" not in page(search())


def test_a_hyper_parameter_no_trial_used_is_dashes():
    space = {"lr": SPACE["lr"], "momentum": {"distribution": "uniform", "low": 0.1, "high": 0.9}}
    data = table(record(0, [51], lr=0.001))
    assert re.search(r"\| momentum +\| uniform +\| +0.1 to 0.9 \| +– \|", page(data, space))
    assert "with lr 0.001.**" in flat(page(data, space))
