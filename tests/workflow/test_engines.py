"""Both engines, run for real: what an edit trains, and that nothing else is ever trained.

An engine takes seconds to start, so each test is a scenario: edits and damage one after another in one clone,
by both engines in turn, as far as the target that the test looks at.
"""

import base64
import contextlib
import os
import re
import time

import pandas as pd
import pytest

from tests.engines import ENGINES, TRIALS, programs, tree

TRAINS = ("trials", "replicates")  # targets: all that a run trains
other = dict(zip(ENGINES, reversed(ENGINES), strict=True))


@pytest.fixture
def clone(pushed, tmp_path):
    return pushed.copy(tmp_path / "zdl")


def of_search(trainings):
    return [name for name in trainings if not name.startswith("replicate-")]


def would_train(clone):
    """The trials that a dry run names."""
    return re.findall(r"^trial (\S+):", clone.run("snakemake", "-n"), re.M)


def stems(paths):
    return {path.stem for path in paths}


def lock(clone):
    return (clone.path / "dvc.lock").read_bytes()


def test_a_first_run_trains_every_trial_once_by_either_engine(searched, recorded, tmp_path):
    for first in (searched, recorded):
        assert of_search(first.logged()) == sorted(first.names())
        assert len(first.names()) == TRIALS and len(first.logged()) == TRIALS + 2 * 2
    assert searched.reports() == recorded.reports()
    clone = searched.copy(tmp_path / "zdl")
    clone.engine("dvc")
    assert clone.trainings() == [] and clone.reports() == recorded.reports()
    assert lock(clone) == lock(recorded)


def test_a_second_run_has_nothing_to_do_by_either_engine(recorded, pushed, clone):
    assert pushed.logged() == [] and pushed.reports() == recorded.reports()
    assert "Nothing to be done" in clone.engine("snakemake")
    assert "Data and pipelines are up to date" in clone.engine("dvc")
    assert "Data and pipelines are up to date" in clone.run("dvc", "status")
    assert clone.run("git", "status", "--short") == "" and lock(clone) == lock(recorded)


def test_a_process_goes_on_with_the_trials_that_come_next(ready, tmp_path):
    clone = ready.copy(tmp_path / "zdl")
    one, *others = sorted(clone.names())
    clone.run("snakemake", "--cores", "2", f"results/trials/{one}.json")
    assert [path.stem for path in clone.records()] == [one]
    assert clone.trained() == [one, *others]
    output = clone.run("snakemake", "--cores", "1", "trials")
    assert "not present" not in output
    assert clone.trained() == [] and [path.stem for path in clone.records()] == [one, *others]


WAITS = """  # for 30 others, a minute at most, instead of training
for name; do :; done
mkdir -p started; touch started/$name
for k in $(seq 300); do
  [ $(ls started | wc -l) = 30 ] && exec touch results/trials/$name.json
  sleep 0.2
done
exit 1
"""


def test_every_core_gets_a_trial_at_once(ready, tmp_path):
    clone = ready.copy(tmp_path / "zdl")
    clone.edit(search={"trials": 30})
    clone.run("python", "workflow/scripts/plan.py")
    stand_in = programs(tmp_path / "bin", python=WAITS).partition(os.pathsep)[0]
    clone.run("snakemake", "--cores", "30", "trials", PATH=f"{stand_in}{os.pathsep}{clone.env['PATH']}")
    assert len(clone.records()) == 30


def test_a_process_whose_engine_was_killed_ends_with_its_trial(ready, tmp_path):
    clone = ready.copy(tmp_path / "zdl")
    clone.edit(training={"epochs": 400})  # longer than it takes to see that it has begun
    clone.run("python", "workflow/scripts/plan.py")
    one = min(clone.names())
    (plan,) = (clone.path / "results/plan").iterdir()
    engine = f"""
        python workflow/scripts/trial.py --plan {plan} --go-on {max(clone.names())} {one} &> /dev/null &
        until [ -s {clone.log} ]; do sleep 0.01; done
        echo $!"""
    process, deadline = int(clone.run("bash", "-c", engine)), time.monotonic() + 60
    with contextlib.suppress(ProcessLookupError):
        while time.monotonic() < deadline:
            os.kill(process, 0)  # is it there?
            time.sleep(0.1)
    assert clone.trained() == [one] and [path.stem for path in clone.records()] == [one]


@pytest.mark.parametrize("engine", ENGINES)
def test_an_edit_trains_the_replicates_that_are_new(clone, engine):
    reports = clone.reports()
    for replicate, new, *targets in (
        ({"replicates": 3}, 2, "replicates"),
        ({"trials": 3}, 3, "rank", "pages"),
        ({"trials": 2, "replicates": 2}, 0, "rank", "pages"),
    ):
        clone.edit(replicate=replicate)
        clone.engine(engine, *targets)
        assert len(clone.trainings()) == new
        assert repeats(clone) == ([3] * 3 if replicate == {"trials": 3} else [2] * 2)
    assert clone.reports() == reports
    clone.edit(replicate={"seed": 8})
    clone.engine(engine, "replicates")
    assert len(clone.replicated()) == 2 * 2
    assert_nothing_to_train(clone, other[engine])
    assert len([*(clone.path / "results/replicates").iterdir()]) == 2 * 2


def repeats(clone):
    """Of each of the best in the report."""
    table = pd.read_csv(clone.path / "reports/confirmed.csv")
    return [*(table["repeats"] + table["diverged"])]


def assert_nothing_to_train(clone, engine):
    """After a run of the other engine; DVC leaves nothing but the files of this search."""
    if engine == "dvc":
        clone.engine("dvc", *TRAINS)
    else:
        assert "Nothing to be done" in clone.run("snakemake", "-n", *TRAINS)
    assert clone.trainings() == []


EDITS = {
    "narrow": lambda c: c.search(lr=(1e-4, 1e-2)),
    "widen": lambda c: c.search(lr=(1e-6, 1e1)),
    "more": lambda c: c.edit(search={"trials": TRIALS + 3}),
    "fewer": lambda c: c.edit(search={"trials": TRIALS - 2}),
    "optimizer": lambda c: c.edit(training={"optimizer": "Adam"}),
    "split": lambda c: c.edit(split={"seed": 2}),
    "data": lambda c: c.edit(data={"subsample": 90}),
}


@pytest.mark.parametrize(
    ("edit", "engine", "metadata"),
    [
        ("narrow", "dvc", True),
        ("narrow", "snakemake", False),
        ("widen", "snakemake", True),
        ("more", "snakemake", False),
        ("fewer", "dvc", True),
        ("optimizer", "dvc", True),
        ("split", "snakemake", False),
        ("data", "dvc", False),
    ],
)
def test_an_edit_trains_the_trials_that_are_new(clone, edit, engine, metadata):
    before, reports = clone.names(), clone.reports()
    EDITS[edit](clone)
    new = sorted(clone.names() - before)
    assert bool(new) == (edit != "fewer")
    if not metadata:
        clone.run("rm", "-r", ".snakemake")
    assert would_train(clone) == new
    clone.engine(engine, *TRAINS, "rank")
    assert clone.trained() == new
    assert clone.reports() != reports
    assert_nothing_to_train(clone, other[engine])
    assert stems(clone.records()) == clone.names()


ARTICLE = {  # the book's readers' example of a grid, at fewer epochs
    "lr": {"distribution": "choice", "options": [0.1, 0.01, 0.001]},
    "batch_size": {"distribution": "choice", "options": [10, 100, 1000]},
}


def test_a_grid_trains_its_combinations_and_after_an_edit_the_new_ones(clone):
    clone.edit(search={"method": "grid", "trials": 12, "space": ARTICLE})
    first = clone.names()
    clone.engine("dvc", "pages")
    assert clone.trained() == sorted(first) and len(first) == 9
    assert "(every combination of a grid)" in " ".join(clone.reports()["README.md"].decode().split())
    lrs = {"distribution": "choice", "options": [0.03, 0.1, 0.01]}  # one added before the others, one removed
    clone.edit(search={"space": {**ARTICLE, "lr": lrs}})
    new = clone.names() - first
    clone.engine("snakemake", *TRAINS)
    assert clone.trained() == sorted(new) and len(new) == 3
    number = min(new).partition("-")[0]
    assert clone.run("python", "workflow/scripts/trial.py", "--verbose", number).count("epoch") == 2


def test_a_halton_search_keeps_what_an_edit_can_keep(clone):
    clone.edit(search={"method": "halton"})
    first = clone.names()
    clone.engine("snakemake", *TRAINS)
    assert clone.trained() == sorted(first) and len(first) == TRIALS
    EDITS["narrow"](clone)
    kept = first & clone.names()
    clone.engine("dvc", *TRAINS)
    assert clone.trained() == sorted(clone.names() - first) and len(kept) == 3


def test_a_random_search_turned_bayesian_keeps_its_first_round(pushed, learnt):
    trained = of_search(learnt.logged())
    trials = [path.stem for path in learnt.records()]
    assert trained == trials[3:] and trials[:3] == [path.stem for path in pushed.records()[:3]]
    assert len(learnt.rounds()) == 1
    ranked = learnt.reports()["ranking.csv"].decode().splitlines()[1:]
    assert (
        sorted(int(line.split(",")[2].split("-")[0]) >= 10**8 for line in ranked) == [False] * 3 + [True] * 3
    )


def test_a_bayesian_search_comes_out_the_same_by_either_engine(fresh, learnt, tmp_path):
    clone = fresh.copy(tmp_path / "zdl")
    clone.edit(search={"method": "bayes"})
    learnt.tell(clone.path)
    clone.engine("snakemake")
    assert clone.trained() == sorted(clone.names()) and clone.reports() == learnt.reports()
    clone.engine("dvc")
    assert clone.trainings() == [] and lock(clone) == lock(learnt)
    assert "Nothing to be done" in clone.engine("snakemake")


def test_a_bayesian_search_comes_out_the_same_step_by_step(learnt, watched):
    """Every file is the one that the steps' scripts, called in turn, made in a clone without any."""
    tracked = [
        {
            name: data
            for path, (_, data) in tree(clone.path).items()
            if (name := str(path.relative_to(clone.path))).startswith(("data/", "results/", "reports/"))
            and not name.startswith(("results/best.npz", "results/manifests/weights/"))
        }
        for clone in (learnt, watched)
    ]
    assert len(tracked[0]) > 30 and tracked[0] == tracked[1]


def test_a_trial_of_a_bayesian_search_is_had_by_its_place_once_it_is_proposed(ready, learnt, tmp_path):
    clone = ready.copy(tmp_path / "zdl")
    clone.edit(search={"method": "bayes"})
    said = clone.run("snakemake", "-n")
    assert re.findall(r"^trial (\S+):", said, re.M) == sorted(clone.names())
    assert len(re.findall(r"^propose ", said, re.M)) == 1
    clone.run("python", "workflow/scripts/plan.py")
    output = clone.run("python", "workflow/scripts/trial.py", "--verbose", "5", ok=False)
    assert "results/trials/rounds/0001-" in output and output.count("\n") == 1
    clone = learnt.copy(tmp_path / "learnt")
    output = clone.run("python", "workflow/scripts/trial.py", "--verbose", "5")
    assert output.count("epoch") == 2 and clone.trained() == [clone.records()[5].stem]


@pytest.mark.parametrize("engine", ENGINES)
def test_an_edit_of_a_bayesian_search_trains_the_affected_rounds(learnt, engine, tmp_path):
    """In a pulled clone, without metadata and without a store."""
    clone = pulled(learnt, engine, tmp_path / "zdl")
    first, reports = clone.names(), clone.reports()
    for trials, new, proposed, *targets in (  # rounds have 3: the third is filled up
        (8, 2, 1, *TRAINS),
        (9, 1, 0, "rank", "pages"),
    ):
        before = clone.names()
        clone.edit(search={"trials": trials})
        assert would_train_and_propose(clone) == (new, proposed)
        clone.engine(engine, *targets)
        assert clone.trained() == sorted(clone.names() - before) and len(clone.names() - before) == new
        assert (clone.reports() != reports) == (trials == 9)
    clone.revert()
    assert clone.names() == first and would_train_and_propose(clone) == (0, 0)
    clone.search(weight_decay=(1e-8, 1e-2))
    clone.run("rm", "-rf", ".snakemake")
    clone.engine(engine, *TRAINS)
    assert clone.trained() == sorted(clone.names() - first) and clone.names() - first >= later(clone.names())
    clone.revert()
    clone.engine(other[engine])
    assert clone.trainings() == [] and clone.reports() == reports


def would_train_and_propose(clone):
    """How many trials and rounds a dry run names."""
    said = clone.run("snakemake", "-n")
    return tuple(len(re.findall(rf"^{rule} ", said, re.M)) for rule in ("trial", "propose"))


def pulled(source, engine, path):
    """A second clone, with all that the first has pushed, in which an engine finds nothing to do."""
    clone = source.clone(path)
    clone.run("dvc", "pull")
    clone.engine(engine)
    assert clone.trainings() == []
    assert clone.run("git", "status", "--short") == ""
    return clone


def later(names):
    return {name for name in names if int(name[:4]) >= 3}


def test_a_mark_that_a_killed_snakemake_left_on_a_whole_file_means_nothing(ready, tmp_path):
    """It would run that file's job again, skip the rest, and end with 0."""
    clone, marks = ready.copy(tmp_path / "zdl"), tmp_path / "zdl/.snakemake/incomplete"
    marks.mkdir(exist_ok=True)
    for path in [*clone.path.glob("data/*/*"), *clone.path.glob("results/plan/*")]:
        name = base64.b64encode(str(path.relative_to(clone.path)).encode()).decode()
        (marks / name).write_text('{"external_jobid": null}')
    clone.engine("snakemake", "trials")
    assert clone.trained() == sorted(clone.names())


def test_an_input_from_the_future_stops_nothing(ready, tmp_path):
    """Snakemake refuses a result that is older than an input, also where it is told to ignore the times."""
    clone = ready.copy(tmp_path / "zdl")
    for path in [*clone.path.glob("data/*/*"), *clone.path.glob("results/plan/*")]:
        os.utime(path, (2 * 10**9,) * 2)
    clone.engine("snakemake", *TRAINS)
    assert clone.trained() == sorted(clone.names())


@pytest.mark.parametrize(("engine", "how"), [("snakemake", "lost"), ("dvc", "torn")])
def test_damage_is_named_and_repaired(learnt, engine, how, tmp_path):
    """Without a cache. First a torn and a deleted record, a round, no split, and any time stamps: those two
    trials are trained again, and only they. Then edits of the report by hand, with nothing else to do."""
    clone = learnt.copy(tmp_path / "zdl")
    reports, (proposed,), (torn, gone, *_) = clone.reports(), clone.rounds(), clone.records()
    whole = proposed.read_bytes()
    for path in (proposed, torn):
        path.write_bytes(path.read_bytes()[:-100])
    gone.unlink()
    if how == "lost":
        proposed.unlink()
    clone.run("rm", "-r", ".zdl", "data/split")
    for number, path in enumerate(sorted(clone.path.rglob("*"))):
        if path.is_file() and ".git" not in path.parts and ".dvc" not in path.parts:
            os.utime(path, (number * 7919 % 10**9,) * 2)
    assert would_train(clone) == [torn.stem, gone.stem, *sorted(later(clone.names()))]  # with their round
    output = clone.engine(engine)
    for path in [f"rounds/{proposed.name}"] * (how == "torn") + [torn.name]:
        assert f"results/trials/{path}: is damaged (its checksum does not hold)" in output
    assert clone.trainings() == sorted([torn.stem, gone.stem])
    assert proposed.read_bytes() == whole and clone.reports() == reports
    assert clone.run("git", "status", "--short") == ""

    for name in ("ranking.csv", "README.md", "best20.svg"):
        with (clone.path / "reports" / name).open("a") as file:
            file.write("1,99\n")
    clone.engine(engine)
    assert clone.reports() == reports and clone.trainings() == []


def test_what_a_killed_dvc_left_half_written_is_made_again(clone, tmp_path):
    path, whole = clone.path / "dvc.lock", lock(clone)
    path.write_bytes(b"")
    clone.run("dvc", "repro", ok=False)
    stand_in = programs(tmp_path / "bin", dvc="exit 0").partition(os.pathsep)[0]
    found = f"{stand_in}{os.pathsep}{clone.env['PATH']}"
    output = clone.run("python", "workflow/scripts/repro.py", PATH=found)
    assert "dvc.lock: was left half written" in output
    assert not path.exists()  # as DVC finds it in the next case
    cut = whole[: whole.index(b"outs:") + 5]
    checksum = whole[: whole.index(b"md5: ") + 7]  # two of its digits, which DVC refuses too
    rwlock = b'{"read": {'
    path.write_bytes(checksum)
    clone.run("dvc", "repro", ok=False)
    assert "dvc.lock: was left half written" in clone.run("python", "workflow/scripts/repro.py", PATH=found)
    assert not path.exists()
    for own, left in (("dvc.lock", cut), (".dvc/tmp/rwlock", rwlock)):
        (clone.path / own).write_bytes(left)
        clone.run("dvc", "repro", ok=False)
        assert f"{own}: was left half written" in clone.run("python", "workflow/scripts/repro.py")
        assert lock(clone) == whole
    assert clone.trainings() == []
    assert clone.run("git", "status", "--short") == ""
