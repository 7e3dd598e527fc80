"""The comparison of search methods: problems, searches within a budget, tables by hand, words by rule."""

import math
import re
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest
from scipy.stats import binom

from bench import compare, comparing, comparing_page, searches
from bench.objectives import FUNCTION_SPACE, OPTIMUM, Curve, Objective, objective
from bench.searches import METHODS, Trainings, cost, play, settings_of
from tests.engines import ROOT
from zdl import Error
from zdl.search import plan
from zdl.search.checkpoint import epochs
from zdl.search.distributions import value
from zdl.search.samplers import HALVINGS, Proposal, sampler

FILES = {"README.md", "curves.csv", "searches.csv", "differences.csv", "function.png", "function.svg"}
PROTOCOL = " ".join((ROOT / "docs/comparison/PROTOCOL.md").read_text("utf-8").split())


# Problems.


def spec(problem, n=50, seed=0, **point):
    """The spec of a trial of so many epochs."""
    settings = settings_of(problem, "random", seed, 1)
    (trial,) = plan.trials_at(settings, "", [Proposal({**point, "epochs": n}, 3)])
    return trial.spec


def at(**places):
    """The point of the function at these places of its ranges, else at its optimum."""
    return {
        name: value(
            FUNCTION_SPACE[name]["distribution"],
            (OPTIMUM | places)[name],
            FUNCTION_SPACE[name]["low"],
            FUNCTION_SPACE[name]["high"],
        )
        for name in OPTIMUM
    }


def test_the_function_has_its_maximum_where_the_protocol_says():
    problem = objective("function")
    best = problem.curve(spec(problem, **at())).held_out
    assert best == pytest.approx(0.95, abs=1e-3) and "maximum is 0.95" in PROTOCOL
    for name, place in OPTIMUM.items():
        for other in (place - 0.1, place + 0.1):
            assert problem.curve(spec(problem, **at(**{name: other}))).held_out < best - 0.02


def test_early_scores_of_the_function_favour_a_large_lr():
    problem = objective("function")
    early = [problem.curve(spec(problem, n=6, **at(lr=lr))).held_out for lr in (0.7, 0.8)]
    late = [problem.curve(spec(problem, n=50, **at(lr=lr))).held_out for lr in (0.7, 0.8)]
    assert early[0] < early[1] and late[0] > late[1]


def test_noise_follows_from_the_seed_of_a_trial_alone():
    problem = objective("function")
    first, again, other = (problem.curve(spec(problem, seed=seed, **at())) for seed in (0, 0, 1))
    assert first == again != other and first.held_out == other.held_out


@pytest.mark.parametrize("name", ["function", "iris"])
def test_a_shorter_training_is_the_beginning_of_a_longer_one(name):
    problem = objective(name)
    point = at() if name == "function" else {"lr": 0.1, "optimizer": "adam", "width": 8}
    short, long = (problem.curve(spec(problem, n, **point)).val for n in (4, 9))
    assert long[:4] == short and len(long) == 9 and long[3] != long[8]


def test_problems_are_those_of_the_protocol():
    for name in ("mnist", "iris", "function"):
        problem = objective(name)
        budget = compare.TRIALS * problem.epochs
        sizes = {}
        for method in HALVINGS:
            search = settings_of(problem, method, 0, compare.TRIALS)["search"]
            rounds = sampler(search).rounds
            sizes[method] = ", ".join(map(str, rounds))
            assert budget * 0.98 < cost(sampler(search), problem.goes_on) <= budget
            more = sampler({**search, "trials": search["trials"] + 1})
            assert cost(more, problem.goes_on) > budget
        title = {"mnist": "MNIST"}.get(name, name)
        row = f"| {title} | {problem.epochs} | {budget:,} | {sizes['halving']} | {sizes['hyperband']} |"
        assert row in PROTOCOL


# Searches.


def counted(goes_on=True, diverged=()):
    """The function as a problem that counts the epochs of its trainings, and whose trials of these numbers
    diverge in their 8th epoch."""
    known, log = objective("function"), []

    def curve(spec):
        made = known.curve(spec)
        log.append(len(made.val))
        if spec["seed"][1] in diverged and len(made.val) >= 8:
            return Curve(made.val[:8], 0.0, diverged=True)
        return made

    return Objective(known.settings, curve, goes_on, ""), log


def played(method, problem, trials=6, seed=0):
    settings = settings_of(problem, method, seed, trials)
    return play("function", settings, Trainings(problem)), settings["search"]


@pytest.mark.parametrize("method", METHODS)
def test_a_search_stays_within_its_budget(method):
    rows, _ = played(method, counted()[0], trials=12)
    assert [row["best"] for row in rows] == sorted(row["best"] for row in rows)
    assert rows[-1]["epochs"] <= 12 * 50 and rows[-1]["method"] == method
    if method not in HALVINGS:
        assert [row["epochs"] for row in rows] == list(range(50, 650, 50))


def test_halving_counts_the_epochs_of_all_rungs():
    rows, search = played("halving", counted()[0], trials=6)
    first, second, last = sampler(search).rounds
    assert len(rows) == last and rows[-1]["epochs"] == 6 * first + 12 * second + 32 * last
    rows, search = played("halving", counted(goes_on=False)[0], trials=6)
    first, second, last = sampler(search).rounds
    assert rows[-1]["epochs"] == 6 * first + 18 * second + 50 * last


def test_halving_trains_trials_of_the_random_search():
    problem, _ = counted()
    whole, _ = played("random", problem, trials=300)
    rows, search = played("halving", problem, trials=20)
    assert {row["held_out"] for row in rows} <= {row["held_out"] for row in whole}
    best = max(row["best"] for row in whole[: search["trials"]])
    assert rows[-1]["best"] <= best


def test_the_pick_is_the_first_of_the_highest_score():
    """All trials score alike, so the first one is the pick in every search."""
    seen = []

    def curve(spec):
        seen.append(spec["config"]["lr"])
        return Curve([0.5] * epochs(spec), held_out=spec["config"]["lr"])

    level = Objective(objective("function").settings, curve, True, "")
    for method in METHODS:
        seen.clear()
        rows, _ = played(method, level, trials=4)
        assert rows[-1]["held_out"] == seen[0], method


def test_a_trial_that_diverged_is_no_pick():
    rows, _ = played("random", counted(diverged={0, 1})[0], trials=4)
    assert [row["epochs"] for row in rows] == [150, 200]
    trainings = Trainings(counted(diverged={3})[0])
    assert trainings.score(spec(trainings.problem, 7, **at())) is not None
    assert trainings.score(spec(trainings.problem, 8, **at())) is None


def test_methods_share_their_trainings():
    problem, log = counted()
    trainings = Trainings(problem)
    for method in ("random", "bayes", "halving"):
        play("function", settings_of(problem, method, 0, 10), trainings)
    halving = sampler(settings_of(problem, "halving", 0, 10)["search"])
    assert log.count(50) < 10 + halving.rounds[-1] + 1
    assert log.count(6) == halving.rounds[0] - 10


def test_what_was_searched_is_read_again(tmp_path, monkeypatch):
    monkeypatch.setattr(searches, "FOLDER", tmp_path)
    problem, log = counted()
    monkeypatch.setattr(searches, "objective", lambda name: problem)
    first = searches.rows("function", 0, 3)
    done = len(log)
    assert searches.rows("function", 0, 3) == first and len(log) == done
    assert searches.rows("function", 1, 3) != first and len(log) > done


# Tables.


def table(finals, problem="function", budget=100, held_out=None):
    """Searches that have their score after half of the budget: `finals` by method, one for each seed."""
    return pd.DataFrame(
        [
            {"problem": problem, "method": method, "seed": seed, "epochs": spent, "best": best}
            | {"held_out": best if held_out is None else held_out}
            for method, scores in finals.items()
            for seed, score in enumerate(scores)
            for spent, best in ((budget // 2, score / 2), (budget, score))
        ]
    )


def test_a_search_is_blank_before_its_first_whole_trial():
    rows = table({"random": [0.4, 0.6], "bayes": [0.8, 0.2]})
    assert comparing.after(rows, 49)["best"].isna().all(axis=None)
    assert comparing.after(rows, 99)["held_out", "bayes"].tolist() == [0.4, 0.1]
    assert comparing.after(rows, 100)["best", "random"].tolist() == [0.4, 0.6]


def test_curves_are_quartiles_that_are_interpolated():
    rows = table({"random": [0.1, 0.2, 0.4, 0.8]})
    found = comparing.curves(rows, {"function": 100})
    assert found["epochs"].tolist() == list(range(1, 101))
    last = found.iloc[-1]
    assert [last[f"best_{name}"] for name in ("q1", "median", "q3")] == [0.175, 0.3, 0.5]
    assert found["best_median"].isna().sum() == 49


def test_differences_are_of_one_seed():
    rows = table({"random": [0.5, 0.3, 0.2], "halton": [0.3, 0.5, 0.3]})
    found = comparing.differences(rows, {"function": 100}).set_index("after")
    assert set(found["method"]) == {"halton"} and found.index.tolist() == list(comparing.MARKS)
    assert found["median"][100] == pytest.approx(0.1) and found["median"][50] == pytest.approx(0.05)
    assert math.isnan(found["median"][25]) and math.isnan(found["low"][25])


@pytest.mark.parametrize("n", [6, 7, 12, 20, 31])
def test_the_interval_has_its_confidence_and_no_narrower_one_has(n):
    low, high = comparing.interval(pd.Series(range(n)).sample(frac=1, random_state=1).to_numpy())
    assert low + high == n - 1  # as many are left out below as above
    assert 2 * binom.cdf(low, n, 0.5) <= 0.05 < 2 * binom.cdf(low + 1, n, 0.5)


def test_the_interval_of_20_seeds_is_that_of_the_protocol():
    low, high = comparing.interval(pd.Series(range(1, 21)).to_numpy())
    covered = 100 * (1 - 2 * binom.cdf(5, 20, 0.5))
    assert (low, high) == (6, 15) and "the 6th to the 15th difference" in PROTOCOL
    assert f"covers the median in {covered:.1f} of 100 cases" in PROTOCOL


def test_few_seeds_have_no_bounds():
    assert comparing.interval(pd.Series([0.1] * 5).to_numpy()) == (-math.inf, math.inf)


# Words.


@pytest.mark.parametrize(
    ("difference", "words"),
    [
        ([0.1] * 20, "Bayesian search (+0.100) pays."),
        ([0.1] * 15 + [-0.1] * 5, "Bayesian search (+0.100) pays."),
        ([0.1] * 14 + [-0.1] * 6, "Bayesian search (+0.100) makes no clear difference."),
        ([0.1] * 14 + [0.0] * 6, "Bayesian search (+0.100) makes no clear difference."),
        ([-0.1] * 15 + [0.1] * 5, "Bayesian search (-0.100) costs."),
        ([0.0] * 20, "Bayesian search (+0.000) makes no clear difference."),
        ([0.1] * 5, "Bayesian search (+0.100) has too few seeds to tell."),
    ],
)
def test_the_finding_is_what_the_rule_says(difference, words):
    rows = table({"random": [0.5] * len(difference), "bayes": [0.5 + each for each in difference]})
    against = comparing.differences(rows, {"function": 100})
    assert comparing_page.finding(against, "function") == f"**The function:** {words}"
    assert words in flat(comparing_page.page(rows, against, 100))


def test_methods_of_one_verdict_are_named_together():
    rows = table({"random": [0.5] * 9, "halving": [0.1] * 9, "tpe": [0.9] * 9, "hyperband": [0.2] * 9})
    against = comparing.differences(rows, {"function": 100})
    words = comparing_page.finding(against, "function")
    assert words.endswith("TPE (+0.400) pays. Successive halving (-0.400) and Hyperband (-0.300) cost.")
    interim = comparing_page.interim(against, "function")
    assert interim == (
        "After a quarter of the budget, no method is clearly ahead of random search. After half of the "
        "budget, TPE is clearly ahead of random search, and successive halving and Hyperband are clearly "
        "behind."
    )


def test_the_held_out_accuracy_decides():
    rows = table({"random": [0.5] * 20, "bayes": [0.9] * 20}, held_out=0.5)
    against = comparing.differences(rows, {"function": 100})
    assert "no clear difference" in comparing_page.finding(against, "function")


def test_tables_of_the_page_have_straight_columns():
    rows = table({"random": [0.5] * 9, "halving": [0.1] * 9})
    page = comparing_page.page(rows, comparing.differences(rows, {"function": 100}), 100)
    blocks = re.findall(r"(?:^\|.*\n)+", page, re.M)
    for block in blocks:
        head, rule, *lines = block.splitlines()
        assert len({len(line) for line in (head, rule, *lines)}) == 1
        assert all(re.fullmatch("-+:?", cell) for cell in rule.strip("| ").split(" | "))
    assert len(blocks) == 1


def flat(text):
    return " ".join(text.split())


# The command.


def test_options_that_are_wrong_get_one_line():
    for wrong, line in {
        "--seeds 0": "--seeds: 0 is too few (allowed: 1 or more)",
        "--trials many": "argument --trials: invalid int value: 'many'",
        "--problems chess --out x": "--problems: chess is not one of these (allowed: mnist, iris, function)",
        "--seeds 2": "--out: is needed, since docs/comparison/ is for the whole protocol",
        "--sedes 2": "unrecognized arguments: --sedes 2",
    }.items():
        with pytest.raises(Error) as error:
            compare.main(wrong.split())
        assert str(error.value).startswith(line) and "\n" not in str(error.value)


def test_the_command_writes_its_files_and_again_those_so_far(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(searches, "FOLDER", tmp_path / "cache")
    monkeypatch.setattr(compare, "ProcessPoolExecutor", lambda *args, **kwargs: ThreadPoolExecutor(1))
    command = f"--problems function --trials 2 --out {tmp_path / 'page'}"
    compare.main(f"{command} --seeds 2".split())
    files = {path.name: path.read_bytes() for path in (tmp_path / "page").iterdir()}
    assert set(files) == FILES and "function, seed 1" in capsys.readouterr().out
    assert "the function with 2 seeds each (the protocol has 20; " in flat(files["README.md"].decode())
    compare.main(f"{command} --so-far".split())
    assert {path.name: path.read_bytes() for path in (tmp_path / "page").iterdir()} == files


def test_the_protocol_is_the_codes():
    assert f"with {comparing.SEEDS} seeds (`search.seed` 0 to {comparing.SEEDS - 1})" in PROTOCOL
    assert f"epochs of {compare.TRIALS} whole trials" in PROTOCOL and f"`eta: {searches.ETA}`" in PROTOCOL
    assert f"rounds of {searches.BATCH}:" in PROTOCOL and "so that there are three rungs" in PROTOCOL
    assert re.findall(r"\| (\w+) \| (?:drawn|a scr|rounds|those of|the same)", PROTOCOL) == list(METHODS)
    assert f"{len(compare.PROBLEMS) * (len(METHODS) - 1)} such decisions" in PROTOCOL
