"""The review of an edit: what it calls kept, what it calls noise, and what it refuses to compare."""

import re
import time

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engines import Clone
from tests.report import figures
from zdl.analysis.statistics import wilson
from zdl.report import compare, measures, sides
from zdl.report.formatting import spans

SPACE = {
    "lr": {"distribution": "log_uniform", "low": 1e-6, "high": 1e-2},
    "weight_decay": {"distribution": "log_uniform", "low": 1e-8, "high": 1e-4},
}
LINKS = {"old": "old.png", "new": "new.png", "overlay": "overlay.png", "explore": "explore.html"}


def trial(number, val_acc, lr, result="r", key=None, status="finished"):
    return {
        "trial": number,
        "key": f"{number:04d}-{key or lr}",
        "result": f"{result}{number}",
        "val_acc": val_acc,
        "train_acc": val_acc,
        "final_val_acc": val_acc,
        "status": status,
        "epochs": 2,
        "lr": lr,
        "weight_decay": 1e-6,
    }


def side(
    name, *trials, best=2, held_out=0.7, repeats=10, made_from=None, space=SPACE, problem="book", **settings
):
    """One side of a review, its trials given best first."""
    frame = pd.DataFrame([{"rank": rank, **row} for rank, row in enumerate(trials, start=1)])
    finished = [row for row in trials if row["status"] == "finished"]
    scores = [row["val_acc"] for row in finished[:best]]
    metrics = {
        "best": {"trial": finished[0]["trial"], "val_acc": scores[0]},
        "top": {"size": len(scores), "mean_val_acc": sum(scores) / len(scores), "min_val_acc": min(scores)},
        "search": {
            "trials": len(trials), "finished": len(finished), "diverged": len(trials) - len(finished),
            "above_half": sum(row["val_acc"] > 0.5 for row in finished), "val_images": 100,
        },
        "confirmed": {
            "trial": finished[0]["trial"], "repeats": repeats, "held_out": held_out,
            "held_out_low": held_out - 0.015, "held_out_high": held_out + 0.015, "linear_held_out": 0.8,
        },
    }  # fmt: skip
    given = {
        "problem": problem,
        "split": {"seed": 1},
        "search": {"method": "random", "space": space, **settings},
        "report": {"best": best},
    }
    images = {"data": "d", "held_out": "h", "numpy": "2.4.6", **(made_from or {})}
    return sides.Side(name, given, frame, metrics, images, b"", [])


OLD = side("main", trial(3, 0.77, 0.007), trial(1, 0.7, 0.005), trial(0, 0.5, 0.003), trial(2, 0.1, 1e-6))


def page(old, new, axes=2):
    return " ".join(compare.page(old, new, LINKS, axes).split())


def test_no_trial_of_another_problem_is_the_same():
    other = side("edit", trial(3, 0.77, 0.007), trial(1, 0.7, 0.006), problem="mine")
    fates = compare.trials(OLD, other)
    assert {fate: numbers for fate, numbers in fates.items() if numbers} == {
        "added": [1, 3],
        "dropped": [0, 1, 2, 3],
    }


def test_libraries_of_other_versions_are_named():
    new = side("edit", trial(3, 0.77, 0.007), made_from={"numpy": "2.5.0", "scipy": "1.17.0"})
    shown = page(OLD, new)
    assert "numpy went from 2.4.6 to 2.5.0. scipy 1.17.0 was not used before." in shown
    assert "scipy 1.17.0 is not used any more." in page(new, OLD)
    assert "numpy" not in page(OLD, OLD)


def test_a_trial_is_kept_only_if_its_key_and_its_result_are_the_same():
    new = side(
        "edit",
        trial(3, 0.77, 0.007),
        trial(1, 0.7, 0.005, key="other"),
        trial(0, 0.6, 0.003, result="s", key="other"),
        trial(2, 0.4, 0.002),
        trial(4, 0.3, 0.001),
    )
    assert compare.trials(OLD, new) == {
        "kept": [3], "broken": [], "same": [1], "other": [0], "moved": [2], "added": [4], "dropped": [],
        "risen": [], "fallen": [],
    }  # fmt: skip
    assert compare.trials(new, OLD)["dropped"] == [4]


def test_a_trial_that_changed_its_place_is_the_same_trial():
    """A longer grid has a point at another place, under the same number; a review shows places."""
    was = side("main", trial(0, 0.7, 0.005, key="k") | {"key": "700000000-k"})
    new = side("edit", trial(5, 0.7, 0.005) | {"key": "700000000-k", "result": "r0"}, trial(1, 0.2, 0.001))
    assert compare.trials(was, new)["kept"] == [700000000]
    assert "- kept: 5 - added: 1" in page(was, new)
    assert compare.sign_test(was, new, [700000000])["trials"] == 1


def of_many(side, trials):
    """The side of a search of which only the best are published."""
    return side._replace(metrics={**side.metrics, "search": {**side.metrics["search"], "trials": trials}})


def test_nothing_is_claimed_about_trials_that_are_not_published():
    new = side("edit", trial(5, 0.8, 0.008), trial(3, 0.77, 0.007), trial(0, 0.6, 0.009), seed=1)
    old, notice = of_many(OLD, 2000), "Not all is published in"
    fates = compare.trials(old, of_many(new, 3000))
    assert fates["kept"] == [3] and fates["moved"] == [0]
    assert fates["risen"] == [5] and fates["fallen"] == [1, 2]
    assert fates["added"] == fates["dropped"] == []
    text = page(old, of_many(new, 3000))
    assert "1 of 3 published trials kept, 1 trained; for 1 that is unknown.**" in text
    assert f"**{notice} main:** a commit has the best 4 of its 2,000 trials." in text
    assert f"**{notice} edit:** a commit has the best 3 of its 3,000 trials." in text
    assert [row["old_rank"] for row in compare.moves(old, new)["rows"]] == ["?", "1"]
    assert "and ? was not published" in text

    whole = compare.trials(of_many(OLD, 2000), new)  # the new one has all: what is gone is gone
    assert whole["risen"] == [5] and whole["dropped"] == [1, 2] and whole["fallen"] == []
    whole = compare.trials(OLD, of_many(new, 3000))  # the old one had all: what comes is new
    assert whole["added"] == [5] and whole["fallen"] == [1, 2] and whole["dropped"] == []
    assert notice not in page(OLD, new) and "published" not in page(OLD, new)


def test_a_result_that_changed_without_a_reason_is_an_alarm():
    new = side("edit", trial(3, 0.79, 0.007, result="s"), trial(1, 0.7, 0.005), trial(0, 0.5, 0.003))
    assert compare.trials(OLD, new)["broken"] == [3]
    assert "**Do not trust these results:** 1 trial (3) came out differently" in page(OLD, new)
    fine = "every trial that was kept has the same result as before"
    assert fine not in page(OLD, new)
    assert "Do not trust" not in page(OLD, OLD) and fine in page(OLD, OLD)


@given(st.sets(st.integers(0, 30)))
def test_numbers_in_a_row_are_written_by_their_ends(numbers):
    text = spans(sorted(numbers))
    ends = [part.split(" to ") for part in text.split(", ") if part]
    assert {n for each in ends for n in range(int(each[0]), int(each[-1]) + 1)} == numbers
    assert spans([0, 1, 2, 3, 5, 6, 9]) == "0 to 3, 5, 6, 9"


def test_changed_settings_are_named_by_their_dotted_keys():
    before = {"search": {"space": {"lr": {"low": 1e-6}}, "trials": 100}, "training": {"optimizer": "sgd"}}
    after = {"search": {"space": {"lr": {"low": 1e-4}}, "trials": 100}, "training": {"momentum": 0.9}}
    assert list(compare.changes(before, after)) == [
        ("search.space.lr.low", 1e-6, 1e-4),
        ("training.optimizer", "sgd", None),
        ("training.momentum", None, 0.9),
    ]
    assert list(compare.changes(before, before)) == []


def test_a_difference_inside_its_interval_is_noise():
    better = side("edit", trial(5, 0.8, 0.008), trial(3, 0.77, 0.007), held_out=0.76)
    held_out, linear, first, *_, trials_, _, _ = measures.measures(OLD, better, data=True, held_out=True)
    assert (first.difference, first.verdict) == ("+0.030", "inside the noise")
    assert first.old == "0.770 (0.678 to 0.842)"  # Wilson's interval of 77 in 100
    assert (held_out.difference, held_out.verdict) == ("+0.060", "more than noise")
    assert (linear.difference, linear.verdict) == ("+0.000", "")
    assert (trials_.old, trials_.new, trials_.difference) == ("4", "2", "-2")
    assert "+0.030, inside the noise" in page(OLD, better)


def test_one_training_on_either_side_gives_no_verdict_on_the_held_out_images():
    for repeats, verdict in ((1, measures.OF_ONE), (2, "more than noise")):
        better = side("edit", trial(3, 0.77, 0.007), held_out=0.76, repeats=repeats)
        held_out, *_ = measures.measures(OLD, better, data=True, held_out=True)
        assert (held_out.difference, held_out.verdict) == ("+0.060", verdict)
        assert f"+0.060, {verdict}" in page(OLD, better)


def test_a_verdict_of_the_review_is_that_of_the_one_function(monkeypatch):
    better = side("edit", trial(3, 0.77, 0.007), held_out=0.76)
    assert "more than noise;" in page(OLD, better)
    monkeypatch.setattr(measures, "sign_of_difference", lambda *_: 0)
    assert "more than noise;" not in page(OLD, better)


def test_what_is_one_or_nothing_is_written_so_in_a_review():
    one = side("main", trial(3, 0.77, 0.007), best=1)
    assert "**No setting changed, and the trial is the same.**" in page(one, one)
    assert "## The best trial" in page(one, one) and "mean of the best trial |" in page(one, one)
    again = side("edit", trial(3, 0.7699, 0.007, key="k", result="s"), best=1, held_out=0.6999)
    text = page(one, again)
    assert "1 of 1 trial was trained again.**" in text and "-0.000" not in text
    assert "The held-out accuracy of the confirmed best is about the same, 0.700" in text
    more = side("edit", trial(3, 0.77, 0.007), trial(4, 0.7, 0.005), best=1)
    assert "best of 1 trial, expected" in page(one, more) and "1 trials" not in page(one, more)
    assert "`params.yaml` differs from" in page(one._replace(stale=["params.yaml"]), one)


def test_newcombes_interval_is_that_of_his_paper():
    """His table II, example (a): 56 of 70 and 48 of 80."""
    low, high = measures.difference(48 / 80, wilson(48, 80), 56 / 70, wilson(56, 70))
    assert (round(low, 4), round(high, 4)) == (0.0524, 0.3339)


@given(st.floats(0.05, 0.95), st.floats(0.05, 0.95))
def test_the_interval_of_a_difference_holds_the_difference(before, after):
    low, high = measures.difference(
        before, (before - 0.05, before + 0.05), after, (after - 0.04, after + 0.04)
    )
    assert low < after - before < high
    assert high - low == pytest.approx(2 * (0.05**2 + 0.04**2) ** 0.5)


def test_scores_on_other_images_are_not_compared():
    new = side("edit", trial(3, 0.9, 0.007), trial(1, 0.8, 0.005), made_from={"data": "other"})
    _, _, first, *_ = measures.measures(OLD, new, data=False, held_out=True)
    assert (first.difference, first.verdict) == ("–", "other data")
    text = page(OLD, new)
    assert (
        "**Scores cannot be compared:**" in text
        and "Only the accuracy on the held-out rows can be compared" in text
    )
    neither = side("edit", trial(3, 0.9, 0.007), made_from={"data": "other", "held_out": "other"})
    assert "so no accuracy can be compared" in page(OLD, neither)


def test_who_entered_left_and_moved():
    new = side("edit", trial(5, 0.8, 0.008), trial(3, 0.77, 0.007), trial(0, 0.5, 0.003), best=3)
    moved = compare.moves(OLD, new)
    assert [(row["rank"], row["old_rank"], row["trial"]) for row in moved["rows"]] == [
        (1, "new", 5), (2, "1", 3), (3, "(3)", 0),
    ]  # fmt: skip
    assert [row["trial"] for row in moved["exits"]] == [1] and moved["entries"] == 2


def test_the_overlay_draws_each_trial_once():
    new = side("edit", trial(5, 0.8, 0.008), trial(3, 0.77, 0.007), trial(2, 0.4, 0.002))
    trials, names = compare.overlaid(OLD, new)
    assert names == ["lr", "weight_decay"] and trials["before"].dropna().tolist() == [0.77]
    assert dict(zip(trials["trial"].astype(str) + trials["side"], trials["lr"], strict=True)) == {
        "5new": 0.008, "3both": 0.007, "2new": 0.002, "1old": 0.005, "0old": 0.003, "2old": 1e-6,
    }  # fmt: skip
    narrow = {**SPACE, "lr": {**SPACE["lr"], "low": 1e-4}}
    figure = figures.overlay(trials, (SPACE, narrow), names)
    drawn = [text.get_text() for text in figure.legends[0].get_texts()]
    assert drawn == ["the same in both (1)", "only before (3)", "only now (2)", "old range", "new range"]
    assert figure.axes[0].get_xlim() == (1e-6, 1e-2)
    assert figures.png(figure) == figures.png(figures.overlay(trials, (SPACE, narrow), names))


def test_the_overlay_shows_a_trial_with_another_result_as_it_was_and_as_it_is():
    was = side("main", trial(0, 0.5, 0.003), trial(1, 0.2, 0.005), trial(2, 0.3, 1e-5, status="diverged"))
    new = side("edit", *(trial(n, 0.6 + n / 10, lr, result="s", key="k")
                         for n, lr in ((2, 1e-5), (1, 0.005), (0, 0.003))))  # fmt: skip
    trials, names = compare.overlaid(was, new)
    assert trials["side"].tolist() == ["again"] * 3
    assert trials["before"].fillna(-1).tolist() == [-1, 0.2, 0.5]  # of one that diverged, no score
    figure = figures.overlay(trials, (SPACE, SPACE), names)
    left, right, _ = figure.axes[0].collections[-3:]  # and the ring around the best
    assert right.get_array().tolist() == [0.6, 0.7, 0.8]
    assert left.get_array().filled(-1).tolist() == [0.5, 0.2, -1]
    assert left.get_paths()[0].get_extents().x1 == pytest.approx(0) == right.get_paths()[0].get_extents().x0
    one = figures.overlay(trials, (SPACE, SPACE), ["lr"])
    lines = one.axes[0].collections[0].get_segments()
    assert [segment[:, 1].tolist() for segment in lines if len(segment)][:2] == [[0.5, 0.6], [0.2, 0.7]]
    assert "has two halves" in page(was, new) and "A line leads from" not in page(was, new)
    assert "A line leads from" in page(was, new, axes=1) and "has two halves" not in page(was, new, axes=1)


def test_trials_at_the_same_points_are_compared_with_themselves():
    was = side("main", *(trial(n, 0.3, 1e-3 * (n + 1)) for n in range(12)))
    new = side(
        "edit",
        *(trial(n, 0.5 - n / 100, 1e-3 * (n + 1), result="s", key="k") for n in range(10)),
        trial(10, 0.1, 0.011, result="s", key="k"),
        trial(11, 0.2, 0.012, result="s", key="k", status="diverged"),
    )
    pairs = compare.sign_test(was, new, range(12))
    assert (pairs["trials"], pairs["higher"], pairs["lower"]) == (11, 10, 1)
    assert pairs["median"] == pytest.approx(0.15)
    assert pairs["p_value"] == pytest.approx(2 * 12 / 2**11)  # 0 or 1 heads of 11, or as few tails
    assert "10 scored higher than before and 1 lower" in page(was, new)
    assert "10 scored higher, 1 lower and 0 the same; the median difference is +0.150" in page(was, new)
    assert "scored higher" not in page(OLD, OLD)
    elsewhere = new._replace(made_from={**new.made_from, "data": "other"})
    assert "scored higher" not in page(was, elsewhere)


def test_trials_that_were_stopped_are_not_compared_with_themselves():
    was = side("main", *(trial(n, 0.3, 1e-3 * (n + 1)) | {"epochs": 4} for n in range(4)))
    stopped = (trial(n, 0.2, 1e-3 * (n + 1), result="s", key="k") | {"epochs": 4 - n} for n in range(4))
    pairs = compare.sign_test(was, side("edit", *stopped, method="halving"), range(4))
    assert (pairs["trials"], pairs["lower"]) == (1, 1)


def test_a_report_of_another_length_is_named_with_the_old_one_first():
    longer = OLD._replace(settings={**OLD.settings, "report": {"best": 3}})
    for pair, name in (
        ((OLD, longer), "mean of the best 2 and 3"),
        ((longer, OLD), "mean of the best 3 and 2"),
    ):
        assert name in [each.name for each in measures.measures(*pair, data=True, held_out=True)]


def test_a_search_of_more_trials_is_compared_at_equal_budgets():
    more = side("edit", *OLD.ranking.drop(columns="rank").to_dict("records"), trial(9, 0.1, 0.001))
    by_name = {each.name: each for each in measures.measures(OLD, more, data=True, held_out=True)}
    # Of 5 trials, each subset of 4 misses one: 0.77 is missed by one of five, and then 0.7 is the best.
    assert (by_name["best of 4 trials, expected"].old, by_name["best of 4 trials, expected"].new) == (
        "0.770", f"{0.8 * 0.77 + 0.2 * 0.7:.3f}",
    )  # fmt: skip
    assert by_name["mean of the best 2"].verdict == by_name["accuracy above 0.5"].verdict == measures.OF_MORE
    assert "With more trials the best are better and more of them are good" in page(OLD, more)
    by_name = {each.name: each for each in measures.measures(OLD, OLD, data=True, held_out=True)}
    assert by_name["mean of the best 2"].verdict == "" and not any("expected" in name for name in by_name)
    learns = more._replace(settings={**more.settings, "search": {"method": "bayes", "space": SPACE}})
    assert not any(
        "expected" in each.name for each in measures.measures(OLD, learns, data=True, held_out=True)
    )


def test_searches_over_nothing_in_common_have_no_overlay():
    choice = {"optimizer": {"distribution": "choice", "options": ["sgd", "adam"]}}
    new = side("edit", trial(3, 0.8, 0.008), space=choice)
    assert compare.overlaid(OLD, new)[1] == []
    assert "share no hyper-parameter" in page(OLD, new, axes=0)


def test_reports_that_are_not_on_record_are_named():
    assert "**Not on record in main:** `reports/ranking.csv` and 1 other file differ" in page(
        OLD._replace(stale=["reports/ranking.csv", "params.yaml"]), OLD
    )


# For real, in a clone.


@pytest.fixture(scope="module")
def clone(recorded, once):
    """A tiny search, committed with its report; on another branch one with a narrower range."""

    def make(path):
        clone = recorded.copy(path)
        clone.run("git", "branch", "--move", "first")
        clone.run("git", "checkout", "--quiet", "-b", "second")
        clone.search(lr=(1e-4, 1e-2))
        clone.engine("dvc")
        clone.commit()

    return once("review", make)


def reviewed(clone, *revisions, ok=True):
    return clone.run("python", "workflow/scripts/review.py", *revisions, ok=ok)


def test_two_commits_are_reviewed_without_results_and_without_a_training(clone, tmp_path):
    clone.run("git", "clone", "--quiet", "--branch", "second", ".", str(tmp_path / "zdl"))
    fresh = Clone(tmp_path / "zdl")
    output = reviewed(fresh, "origin/first", "second")
    assert (fresh.path / "review/review.md").read_text() == output
    assert "`search.space.lr.low` | `1e-06`" in " ".join(output.split())
    assert "Not on record" not in output
    assert fresh.trainings() == [] and fresh.run("git", "status", "--short") == ""
    assert {path.name for path in (fresh.path / "review").iterdir()} == {
        "best20-old.png", "best20-new.png", "overlay.png", "explore.html", "review.md",
    }  # fmt: skip
    here = reviewed(fresh, "origin/first").replace("working tree", "second")
    unpadded = [re.sub(r"[\s-]", "", text) for text in (here, output)]  # as names differ in length
    assert unpadded[0] == unpadded[1]
    assert "[explore.html](explore.html)" in output
    raw = fresh.run(
        "python", "workflow/scripts/review.py", "origin/first", "second", "--raw", "https://h/raw"
    )
    commit = fresh.run("git", "rev-parse", "second").strip()
    assert f"https://h/raw/{commit}/reports/best20.png" in raw
    assert "`explore.html`, among the files" in " ".join(raw.split()) and "](explore.html)" not in raw


def test_an_edit_without_a_run_is_named(clone, tmp_path):
    copy = clone.copy(tmp_path / "zdl")
    copy.search(lr=(1e-3, 1e-2))
    assert "**Not on record in working tree:** `params.yaml`" in reviewed(copy, "first")


def test_what_cannot_be_reviewed_is_one_line(clone, tmp_path):
    copy = clone.copy(tmp_path / "zdl")
    for revisions, line in (
        (["nowhere"], "BASE or HEAD: nowhere is not a revision here"),
        (["--raw=x", "--", "--all"], "BASE or HEAD: --all is not a revision here"),
        (["first", "gone"], "BASE or HEAD: gone is not a revision here"),
    ):
        output = reviewed(copy, *revisions, ok=False)
        assert output.startswith(line) and output.count("\n") == 1
    copy.search(lr=(1e-2, 1e-6))
    output = reviewed(copy, "first", ok=False)
    assert output.startswith("params.yaml: search.space.lr.low") and output.count("\n") == 1
    copy.run("git", "checkout", "--quiet", "params.yaml")
    (copy.path / "reports/metrics.json").write_text("{")
    assert reviewed(copy, "first", ok=False).count("\n") == 1
    (copy.path / "reports/metrics.json").unlink()
    output = reviewed(copy, "first", ok=False)
    assert output.startswith("reports/metrics.json: is not in working tree") and output.count("\n") == 1


def test_a_conflict_in_dvc_lock_is_resolved_by_one_more_run(clone, tmp_path):
    """docs/reviewing.md: two branches edit other lines of params.yaml, each with its own report."""
    copy = clone.copy(tmp_path / "zdl")
    copy.run("git", "checkout", "--quiet", "-b", "third", "first")
    time.sleep(1)  # a file edited within the second after a checkout can look unchanged to Git
    copy.edit(search={"trials": 9})
    copy.engine("dvc", "rank")
    copy.commit()
    copy.trainings()
    known = copy.names()
    output = copy.run("git", "-c", "user.name=t", "-c", "user.email=t@t", "merge", "second", ok=False)
    assert "CONFLICT (content): Merge conflict in dvc.lock" in output
    assert "conflict in params.yaml" not in output
    assert "<<<<<<<" in (copy.path / "dvc.lock").read_text()
    copy.run("git", "checkout", "--ours", "dvc.lock", "reports")
    copy.run("python", "workflow/scripts/repro.py")
    copy.commit()
    assert len(copy.names()) == 9
    assert copy.trained() == sorted(
        name for name in copy.names() - known if not (clone.path / f"results/trials/{name}.json").exists()
    )
    assert copy.run("git", "status", "--short") == ""
    assert "match params.yaml and the code" in copy.run("python", "workflow/scripts/check.py")
