"""The comparison of search methods: tables by hand, words by rule, and how searches are played."""

import asyncio
import json
import math
import re
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest
from scipy.stats import binomtest

from bench import compare, comparing
from tests.engines import PARAMS, ROOT, TINY
from tests.search.test_samplers import Nearer
from zdl import Error
from zdl.config.settings import load
from zdl.search.samplers import SAMPLERS

FILES = {"README.md", "best_so_far.csv", "searches.csv", "best_so_far.png", "best_so_far.svg"}
LR = {"lr": {"distribution": "log_uniform", "low": 1e-3, "high": 1e-1}}


@pytest.fixture(scope="module")
def params():
    """The settings of a tiny network; two hyper-parameters are searched, as by default."""
    loaded = load(PARAMS)
    return loaded | {key: {**loaded[key], **part} for key, part in TINY.items()}


LEARNT = {"learnt.png", "learnt.svg"}


def point(n):
    return json.dumps({"lr": n * 1e-4, "weight_decay": n * 1e-6})


def trials(scores, held_out=None):
    """A table of trials: `scores` by method, a list for each seed, None for a trial that diverged."""
    rows = [
        {
            "method": method,
            "seed": seed,
            "trial": n,
            "round": 1 + (n > 2),
            "point": point(n),
            "val_acc": score,
        }
        | {"held_out": None if score is None else (held_out or {}).get(method, score - 0.1)}
        | {"training": 2.0, "proposing": 0.5}
        for method, searches in scores.items()
        for seed, search in enumerate(searches)
        for n, score in enumerate(search, start=1)
    ]
    return pd.DataFrame(rows).astype({"val_acc": "float64", "held_out": "float64"})


def against(ahead, level=0, behind=0):
    """A Bayesian search that is ahead of the random one, level and behind in so many seeds."""
    bayes = [[0.1, 0.9]] * ahead + [[0.1, 0.5]] * level + [[0.1, 0.2]] * behind
    return trials({"random": [[0.1, 0.5]] * len(bayes), "bayes": bayes})


# Tables.


def test_a_diverged_trial_scores_nothing():
    best = comparing.best_so_far(trials({"random": [[None, 0.2, 0.1, None, 0.3], [None] * 5]}))
    assert best["random"][0].tolist() == [0.0, 0.2, 0.2, 0.2, 0.3]
    assert best["random"][1].tolist() == [0.0] * 5


def test_a_search_that_ended_keeps_its_best():
    best = comparing.best_so_far(trials({"random": [[0.1, 0.2, 0.3]], "grid": [[0.4]]}))
    assert best["grid"][0].tolist() == [0.4] * 3


def test_methods_stand_in_their_order_and_so_do_seeds():
    best = comparing.best_so_far(trials({name: [[0.1]] * 11 for name in ("random", "bayes", "grid")}))
    assert list(best.columns) == [(name, seed) for name in ("random", "bayes", "grid") for seed in range(11)]


def test_quartiles_are_interpolated():
    found = comparing.quartiles(comparing.best_so_far(trials({"random": [[0.1], [0.2], [0.4], [0.8]]})))
    assert found.values.tolist() == [["random", 1, 0.175, 0.3, 0.5]]


def test_marks_are_those_before_the_last_and_the_last():
    assert comparing.marks(100) == [10, 20, 50, 100]
    assert comparing.marks(100, comparing.PAIRED) == [20, 50, 100]
    assert comparing.marks(30) == [10, 20, 30]
    assert comparing.marks(1) == [1]


def test_the_winner_is_the_first_of_the_highest_score():
    found = comparing.searches(trials({"random": [[0.3, 0.5, None, 0.5], [None] * 4]}))
    first, second = found.to_dict("records")
    assert (first["winner"], first["held_out"], first["diverged"], first["rounds"]) == (2, 0.4, 1, 2)
    assert first["best_4"] == 0.5
    assert pd.isna(second["winner"]) and math.isnan(second["held_out"]) and second["diverged"] == 4


def test_trials_needed_is_the_median_and_may_be_more_than_there_are():
    best = comparing.best_so_far(
        trials({"random": [[0.1, 0.5, 0.5], [0.1, 0.2, 0.5], [0.1] * 3], "grid": [[0.5] * 3, [0.1] * 3]})
    )
    assert comparing.needed(best, 0.5) == {"random": 3.0, "grid": math.inf}
    assert comparing.needed(best, 0.1) == {"random": 1.0, "grid": 1.0}


def test_pairs_are_of_one_seed():
    found = comparing.pairs(
        comparing.searches(
            trials({"random": [[0.5], [0.3], [0.1 + 0.2]], "halton": [[0.3], [0.5], [0.3]]}, {"halton": 0.4})
        )
    ).to_dict("records")
    assert [row["measure"] for row in found] == ["best_1", "held_out"]
    counts = [(row["ahead"], row["level"], row["behind"]) for row in found]
    assert counts == [(1, 1, 1), (2, 1, 0)]
    assert (found[0]["method"], found[0]["difference"], found[0]["p"]) == ("halton", 0.0, 1.0)


def test_the_sign_test_is_scipys():
    for ahead in range(12):
        for behind in range(12):
            known = binomtest(ahead, ahead + behind).pvalue if ahead + behind else 1.0
            assert comparing.sign_test(ahead, behind) == pytest.approx(known)


def test_luck_is_the_scatter_of_one_point():
    data = trials({"grid": [[0.5, 0.8, 0.1], [0.7, 0.8, None]], "random": [[0.9, 0.1], [0.1, 0.9]]})
    assert comparing.luck(data) == pytest.approx({"points": 2, "noise": math.sqrt(0.02) / 2, "spread": 0.2})
    assert comparing.luck(trials({"grid": [[0.5, 0.8]]})) is None


def test_what_was_spent_is_told_in_all():
    spend = comparing.spent(trials({"random": [[0.1, None, 0.5], [0.3, 0.3, 0.9]]}))
    row = spend.loc["random"]
    assert (row["trials"], row["rounds"], row["diverged"]) == (3, 2, 1)
    assert (row["training"], row["proposing"]) == (12.0, 3.0)
    assert row["middle"] == pytest.approx(0.2)


# Words.


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (against(16, 2, 2), "beats"),
        (against(6), "beats"),  # p = 0.03
        (against(5), "does not beat"),  # p = 0.06
        (against(0, 20), "does not beat"),
        (against(11, 0, 9), "does not beat"),
        (against(9, 0, 11), "does not beat"),
        (against(2, 2, 16), "loses to"),
    ],
)
def test_the_finding_is_what_the_rule_says(data, words, params):
    finding = comparing.finding(data)
    assert finding.startswith(f"Bayesian search {words} random search here: after 2 trials ")
    text = flat(comparing.page(data, params, 10))
    assert text.startswith(f"# Search methods compared **{finding}**")


def test_the_finding_tells_its_numbers():
    assert comparing.finding(against(11, 3, 6)) == (
        "Bayesian search does not beat random search here: after 2 trials its best validation accuracy is "
        "ahead in 11 of 20 seeds, level in 3 and behind in 6 (sign test, p = 0.33); the medians are 0.90 and "
        "0.50."
    )


def test_other_methods_go_by_the_same_rule():
    data = trials({"random": [[0.5]] * 8, "grid": [[0.1]] * 8, "halton": [[0.9]] * 8, "bayes": [[0.5]] * 8})
    said = comparing.beside(data)
    assert "Grid search loses to random search (p = 0.0078) and Halton search beats random search" in said
    assert comparing.finding(data).startswith("Bayesian search does not beat")


def test_a_lead_that_is_luck_is_said_to_be(params):
    data = against(16, 2, 2)
    data["held_out"] = 0.5
    assert "not borne out" in flat(comparing.page(data, params, 10))
    assert "not borne out" not in flat(comparing.page(against(16, 2, 2), params, 10))
    assert "not borne out" not in flat(comparing.page(against(2, 2, 16), params, 10))


@pytest.mark.parametrize("methods", [("random",), ("halton",), ("grid", "bayes"), ("random", "grid")])
def test_any_methods_make_a_page(methods, params):
    files = comparing.files(trials({name: [[0.1, None, 0.3]] * 2 for name in methods}), params, 10)
    assert set(files) == (FILES | LEARNT if "bayes" in methods else FILES)


def test_a_page_can_be_of_nothing_that_finished(params):
    data = trials({name: [[None] * 3] * 2 for name in ("random", "bayes")})
    assert "does not beat" in comparing.files(data, params, 10)["README.md"].decode()


def test_tables_of_the_page_have_straight_columns(params):
    page = comparing.page(against(16, 2, 2), params, 10)
    for block in re.findall(r"(?:^\|.*\n)+", page, re.M):
        head, rule, *rows = block.splitlines()
        assert len({len(row) for row in (head, rule, *rows)}) == 1
        assert all(re.fullmatch("-+:?", cell) for cell in rule.strip("| ").split(" | "))


def test_only_the_page_knows_of_time(params):
    data = against(3, 2, 1)
    files = comparing.files(data, params, 10)
    slower = comparing.files(data.assign(training=9.0), params, 10)
    assert {name for name in files if slower[name] != files[name]} == {"README.md"}


def flat(text):
    return " ".join(text.split())


# Searches.


class InRounds(Nearer):
    """A sampler that learns, and gives no more than a round at a time."""

    def propose(self, history, n):
        return super().propose(history, min(n, 4))


def play(params, kept, methods, trials=10, seeds=2):
    """The table of trials of a comparison, and how many jobs were done for it."""
    with ThreadPoolExecutor(1) as pool, compare.Runner(pool, kept) as runner:
        table = asyncio.run(compare.compared(params, methods, seeds, trials, runner))
    return table, runner.done


@pytest.fixture(scope="module")
def played(params, tmp_path_factory):
    """A comparison of three methods, one of which learns: its settings, its file, its table, its jobs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(SAMPLERS, "nearer", InRounds)
        asked = params | {"search": {**params["search"], "space": LR}}
        kept = tmp_path_factory.mktemp("compare") / "deep" / "results.jsonl"
        yield asked, kept, *play(asked, kept, ("random", "grid", "nearer"))


def test_a_method_that_learns_is_played_in_rounds(played):
    _, _, table, _ = played
    first = table[(table["method"] == "nearer") & (table["seed"] == 0)]
    assert first["round"].tolist() == [1, 1, 1, 1, 2, 2, 2, 2, 3, 3]
    assert first["trial"].tolist() == list(range(1, 11))
    lr = [json.loads(point)["lr"] for point in first["point"]]
    best = max(zip(first["val_acc"][:4], lr, strict=False))[1]
    assert lr[4:8] == [best * (1 + (k + 1) / 10) for k in range(4)]


def test_trials_that_searches_share_are_trained_once(played):
    _, kept, table, done = played
    columns = ["seed", "point", "val_acc", "held_out", "training"]
    firsts = [table[(table["method"] == method) & (table["trial"] <= 4)] for method in ("random", "nearer")]
    pd.testing.assert_frame_equal(*(first[columns].reset_index(drop=True) for first in firsts))
    proposals = 2 * (1 + 1 + 3)
    assert done == len(table) - 2 * 4 + proposals
    assert len(kept.read_text().split()) >= done


def test_a_second_run_trains_nothing(played, params):
    asked, kept, table, _ = played
    again, done = play(asked, kept, ("random", "grid", "nearer"))
    assert done == 0
    pd.testing.assert_frame_equal(again, table)
    assert comparing.files(again, asked, 10) == comparing.files(table, asked, 10)


def test_a_killed_run_goes_on_where_it_was(played, tmp_path):
    asked, kept, table, done = played
    torn = tmp_path / "results.jsonl"
    whole = kept.read_text().strip().splitlines()
    torn.write_text("\n".join([*whole[:20], whole[20][:90]]))
    again, more = play(asked, torn, ("random", "grid", "nearer"))
    assert more == done - 20
    numbers = [name for name in table if name not in ("training", "proposing")]
    pd.testing.assert_frame_equal(again[numbers], table[numbers])
    assert play(asked, torn, ("random", "grid", "nearer"))[1] == 0


def test_a_grid_comes_whole_in_an_order_of_the_seed(played, params):
    _, _, table, _ = played
    orders = [group["point"].tolist() for _, group in table[table["method"] == "grid"].groupby("seed")]
    assert sorted(orders[0]) == sorted(orders[1]) and len(set(orders[0])) == 10
    assert orders[0] != orders[1] and orders[0] != sorted(orders[0])
    search = compare.asked(params, "grid", 3, 100)["search"]
    assert search["batch"] == 10 and compare.sampler(search).size == 100
    assert (
        "points" not in compare.asked({**params, "search": search}, "random", 3, 100)["search"]["space"]["lr"]
    )


def test_options_that_are_wrong_get_one_line():
    for wrong, line in {
        "--seeds 0": "--seeds: 0 is too few (allowed: 1 or more)",
        "--trials many": "argument --trials: invalid int value: 'many'",
        "--methods annealing --out x": "--methods: annealing is no method here (allowed: random, grid, ",
        "--seeds 2": "--out: is needed, since docs/comparison/ is for the whole protocol",
        "--sedes 2": "unrecognized arguments: --sedes 2",
    }.items():
        with pytest.raises(Error) as error:
            compare.main(wrong.split())
        assert str(error.value).startswith(line) and "\n" not in str(error.value)


def test_the_command_writes_its_files(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(compare, "CACHED_TRIALS", tmp_path / "kept")
    monkeypatch.setattr(compare, "cores", lambda: 1)
    compare.main(f"--seeds 1 --trials 1 --methods random,grid --out {tmp_path / 'page'}".split())
    assert {path.name for path in (tmp_path / "page").iterdir()} == FILES
    assert "Grid search does not beat random search here" in capsys.readouterr().out


def test_the_protocol_is_the_codes():
    text = (ROOT / "docs/comparison/PROTOCOL.md").read_text("utf-8")
    assert f"with {compare.SEEDS} seeds (`search.seed` 0 to {compare.SEEDS - 1})" in text
    assert f"80 searches of {compare.TRIALS} trials" in text and len(compare.METHODS) * compare.SEEDS == 80
    assert f"{compare.POINTS} x {compare.POINTS} values" in text and f"rounds of {compare.BATCH}:" in text
    assert f"p < {comparing.SIGNIFICANT}" in text
    assert "after 20, 50 and 100 trials" in text and comparing.PAIRED == (20, 50, 100)
