"""What the page says, that its links lead somewhere, and that it reads as plain text."""

import re

import pytest
from ruamel.yaml import YAML
from test_figures import OPTIMIZERS, SPACE, search
from test_ranking import record, table

from zdl import ranking, report

FACTS = {"data": "ab" * 32, "numpy": "2.4.6", "blas": "any"}
FILES = {"best20.png", "best20.svg", "search.png", "search.svg", "ranking.csv", "curves.csv", "metrics.json"}


def settings(space=SPACE, trials=30, best=20, method="random"):
    return {
        "data": {"source": "auto", "subsample": 500},
        "split": {"validation_rate": 0.2, "seed": 1},
        "model": {"hidden_sizes": [100, 100], "activation": "relu", "weight_init": 0.01},
        "training": {
            "epochs": 50,
            "optimizer": "sgd",
            "lr": 1e-6,
            "evaluate_samples": None,
            "dtype": "float64",
        },
        "search": {"method": method, "trials": trials, "batch": 4, "seed": 42, "space": space},
        "report": {"best": best},
    }


def page(data, space=SPACE, best=20, method="random"):
    frame = ranking.rank(data, space)
    metrics = ranking.metrics(data, frame, best)
    return report.pages(frame, metrics, settings(space, len(frame), best, method), FACTS)["README.md"]


def flat(text):
    return " ".join(text.split())


def test_headline_by_hand():
    text = flat(page(search(diverged=(0, 9))))
    assert (
        "**Trial 1 is the best of 30: it recognises 87 of 100 validation images (accuracy 0.87), "
        "with lr 2.47e-06 and weight decay 2.22e-08.**"
    ) in text
    assert (
        "30 networks, each with its own lr and weight decay (drawn at random), learned for 50 epochs from "
        "MNIST's leading 500 images, less the 20 % kept for validation. "
        "18 ended with a validation accuracy above 0.5; 2 diverged, and rank last."
    ) in text
    assert "One validation image is a step of 0.01 in accuracy" in text
    assert "`make trial C=1`" in text


@pytest.mark.parametrize(
    ("method", "said", "caption"),
    [
        ("random", "(drawn at random)", "*Every trial where it lies in the space."),
        (
            "halton",
            "(spread evenly by a scrambled Halton sequence)",
            "*Every trial where it lies in the space.",
        ),
        ("grid", "(every combination of a grid)", "*Every combination of the grid."),
        (
            "bayes",
            "(the first 4 drawn at random, the rest proposed 4 at a time by a Gaussian process)",
            "*The ground (over one hyper-parameter: the line) is what the search expects of a score",
        ),
    ],
)
def test_the_method_is_named(method, said, caption):
    text = flat(page(search(), method=method))
    assert f"each with its own lr and weight decay {said}, learned" in text
    assert caption in text and f"method: {method}" in text


@pytest.mark.parametrize("data", [search(4), search(4, diverged=range(4))])
def test_a_bayesian_search_that_learnt_nothing_does_not_say_so(data):
    text = flat(page(data, method="bayes"))
    assert "(drawn at random), learned" in text
    surface = any(trial["outcome"]["status"] == "finished" for trial in data["trials"])
    assert ("*The ground" in text) == surface
    assert "*The ground" not in flat(page(data, OPTIMIZERS, method="bayes"))


def test_a_grid_s_ranges_tell_their_points():
    space = {name: {**spec, "points": 5} for name, spec in SPACE.items()}
    assert re.search(
        r"\| lr +\| log-uniform +\| +1e-06 to 0.01, 5 points +\|", page(search(), space, method="grid")
    )


def test_links_lead_to_the_reports_files():
    assert set(re.findall(r"\]\(([^)]*)\)", page(search()))) == FILES


@pytest.mark.parametrize("space", [SPACE, OPTIMIZERS, {**OPTIMIZERS, **SPACE}])
def test_tables_stand_straight_as_plain_text(space):
    tables = re.findall(r"(?:^\|.*\|\n)+", page(search(), space), re.M)
    assert len(tables) == 2
    for lines in map(str.splitlines, tables):
        assert len({len(line) for line in lines}) == 1
        assert len({line.count("|") for line in lines}) == 1
        assert re.fullmatch(r"\|( -+:? \|)+", lines[1])


def test_top_table_has_the_best_and_no_more():
    text = page(search(diverged=(3,)), best=4)
    assert "## The best 4\n" in text
    rows = re.findall(r"^\| +(\d+) \| +(\d+) \| +([\d.]+) ", text, re.M)
    assert rows == [("1", "0", "0.89"), ("2", "1", "0.87"), ("3", "2", "0.85"), ("4", "4", "0.81")]


def test_accuracies_of_a_column_have_as_many_decimals():
    data = search(2)
    data["trials"][0]["outcome"]["curve"]["train_correct"][-1] = 335
    assert re.findall(r"^\|.* (0\.8[\d.]+) \| +(0\.\d+) \| +0\.\d+ ", page(data), re.M) == [
        ("0.89", "0.8375"),
        ("0.87", "0.8700"),
    ]


def test_what_was_searched_and_where_the_best_are():
    text = page(search(), {"lr": SPACE["lr"], **OPTIMIZERS}, best=4)
    assert re.search(r"\| lr +\| log-uniform +\| 1e-06 to 0.01 +\| 1.23e-06 to 4.94e-06 +\|", text)
    assert re.search(
        r"\| optimizer +\| choice +\| sgd, momentum, adam +\| sgd 2, momentum 1, adam 1 +\|", text
    )


def test_settings_are_yaml_that_gives_them_back():
    (block,) = re.findall(r"```yaml\n(.*?)```", page(search()), re.S)
    assert YAML(typ="safe").load(block) == settings()
    assert [line for line in block.splitlines() if "#" in line] == ["  lr: 1.0e-06  # searched instead"]


@pytest.mark.parametrize(
    "value", ["no", "1e5", "null", "a: b", "#", "", 1e-12, 1e22, 0.1, -3e-9, True, None, [1, "x"]]
)
def test_any_value_survives_the_yaml(value):
    data = {**settings(), "report": {"best": value}}
    block = report.as_yaml(data)
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
    assert "Trial 0 is the best of 1:" in text and "with optimizer adam.**" in text
    assert "1 network, each with its own optimizer" in text and "the best 1 trial]" in text


def test_lines_fit_a_terminal():
    prose = [line for line in page(search()).splitlines() if not line.startswith(("|", "- ", "[!"))]
    assert max(map(len, prose)) <= 100
    assert page(search()).endswith("\n") and "\n\n\n" not in page(search())


def test_a_hyper_parameter_no_trial_used_is_dashes():
    space = {"lr": SPACE["lr"], "momentum": {"distribution": "uniform", "low": 0.1, "high": 0.9}}
    data = table(record(0, [51], lr=0.001))
    assert re.search(r"\| momentum +\| uniform +\| +0.1 to 0.9 \| +– \|", page(data, space))
    assert "with lr 0.001.**" in flat(page(data, space))
