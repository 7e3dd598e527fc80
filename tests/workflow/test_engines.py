"""Both engines, driven for real: what an edit trains, and that nothing else is ever trained."""

import contextlib
import os
import re
import time

import pytest
from ruamel.yaml import YAML

from tests.engines import ENGINES, TRIALS, Clone, programs

TRAINS = ("trials", "replicates")  # targets: all that a run trains
other = dict(zip(ENGINES, reversed(ENGINES), strict=True))


@pytest.fixture(scope="session")
def built(recorded, once):
    """A clone after one run of each engine, with dvc.lock and reports committed and pushed to a remote."""

    def make(path):
        clone = recorded.copy(path)
        clone.engine("snakemake")
        clone.run("dvc", "remote", "add", "--default", "here", str(path.parent / "remote"))
        clone.commit()
        clone.run("dvc", "push")

    return once("built", make)


@pytest.fixture
def clone(built, tmp_path):
    return built.copy(tmp_path / "zdl")


@pytest.mark.parametrize("engine", ENGINES)
def test_a_fresh_clone_trains_every_trial_once_by_either_engine(made, recorded, built, engine, tmp_path):
    first = {"snakemake": made, "dvc": recorded}[engine]
    clone, trainings = first.copy(tmp_path / "zdl"), first.logged()
    assert [name for name in trainings if not name.startswith("replicate-")] == sorted(clone.names())
    assert len(clone.names()) == TRIALS and len(trainings) == TRIALS + 2 * 2
    assert clone.reports() == built.reports()
    clone.engine(other[engine])
    clone.engine(engine)
    assert clone.trainings() == []
    assert (clone.path / "dvc.lock").read_bytes() == (built.path / "dvc.lock").read_bytes()


def test_a_process_goes_on_with_the_trials_that_come_next(fresh, tmp_path):
    clone = fresh.copy(tmp_path / "zdl")
    one, *others = sorted(clone.names())
    clone.run("snakemake", "--cores", "2", f"results/trials/{one}.json")
    assert [path.stem for path in clone.records()] == [one]
    assert clone.trained() == [one, *others]
    said = clone.run("snakemake", "--cores", "1", "trials")
    assert "not present" not in said
    assert clone.trained() == [] and [path.stem for path in clone.records()] == [one, *others]


def test_every_core_gets_a_trial_at_once(fresh, tmp_path):
    clone = fresh.copy(tmp_path / "zdl")
    clone.edit(training={"epochs": 1000}, search={"trials": 30})
    clone.run("snakemake", "--cores", "1", "ready")
    clone.run("snakemake", "--cores", "30", "trials")
    log = max((clone.path / ".snakemake/log").iterdir()).read_text()
    assert log.partition("Finished jobid")[0].count("rule trial:") == 30


def test_a_process_whose_engine_was_killed_ends_with_its_trial(fresh, tmp_path):
    clone = fresh.copy(tmp_path / "zdl")
    clone.edit(training={"epochs": 1000})  # longer than it takes to see that it has begun
    clone.run("snakemake", "--cores", "1", "ready")
    one = min(clone.names())
    plan = next((clone.path / "results/plan").iterdir())
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


def test_a_second_run_has_nothing_to_do(clone):
    assert "Nothing to be done" in clone.run("snakemake", "--cores", "2")
    assert "Data and pipelines are up to date" in clone.run("dvc", "repro")
    assert "Data and pipelines are up to date" in clone.run("dvc", "status")
    assert clone.run("git", "status", "--short") == ""


@pytest.mark.parametrize("engine", ENGINES)
def test_an_edit_repeats_what_is_new_of_the_best(clone, engine):
    reports = clone.reports()
    for replicate, new, *targets in (
        ({"replicates": 3}, 2, "replicates"),
        ({"trials": 3}, 3),
        ({"trials": 2, "replicates": 2}, 0),
    ):
        clone.edit(replicate=replicate)
        clone.engine(engine, *targets)
        assert len(clone.trainings()) == new
        assert (clone.reports() == reports) == (new != 3)
    clone.edit(replicate={"seed": 8})
    clone.engine(engine, "replicates")
    assert len(clone.replicated()) == 2 * 2
    clone.engine(other[engine], *TRAINS)
    assert clone.trainings() == []
    clone.engine("dvc", "replicates")
    assert len([*(clone.path / "results/replicates").iterdir()]) == 2


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
        ("narrow", "snakemake", True),
        ("narrow", "dvc", True),
        ("narrow", "snakemake", False),
        ("widen", "dvc", False),
        ("widen", "snakemake", True),
        ("more", "snakemake", False),
        ("fewer", "dvc", True),
        ("fewer", "snakemake", False),
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
    assert re.findall(r"^trial (\S+):", clone.run("snakemake", "-n"), re.M) == new
    clone.engine(engine)
    assert clone.trained() == new
    assert clone.reports() != reports
    clone.engine(other[engine], *TRAINS)
    if edit in ("narrow", "widen"):  # taken back: restored from the store
        clone.run("git", "checkout", "--quiet", "params.yaml")
        clone.engine(engine)
        assert clone.reports() == reports
    assert clone.trainings() == []
    clone.engine("dvc", "trials")
    assert {path.stem for path in clone.records()} == clone.names()


ARTICLE = {  # the book's readers' example of a grid, at fewer epochs
    "lr": {"distribution": "choice", "options": [0.1, 0.01, 0.001]},
    "batch_size": {"distribution": "choice", "options": [10, 100, 1000]},
}


@pytest.mark.parametrize("engine", ENGINES)
def test_a_grid_trains_its_combinations_and_after_an_edit_the_new_ones(clone, engine):
    clone.edit(search={"method": "grid", "trials": 12, "space": ARTICLE})
    first = clone.names()
    clone.engine(engine)
    assert clone.trained() == sorted(first) and len(first) == 9
    assert "(every combination of a grid)" in " ".join(clone.reports()["README.md"].decode().split())
    lrs = {"distribution": "choice", "options": [0.03, 0.1, 0.01]}  # one added before the others, one removed
    clone.edit(search={"space": {**ARTICLE, "lr": lrs}})
    new = clone.names() - first
    clone.engine(other[engine], *TRAINS)
    assert clone.trained() == sorted(new) and len(new) == 3
    number = min(new).partition("-")[0]
    assert clone.run("python", "workflow/scripts/trial.py", "--verbose", number).count("epoch") == 2


@pytest.mark.parametrize("engine", ENGINES)
def test_a_halton_search_keeps_what_an_edit_can_keep(clone, engine):
    clone.edit(search={"method": "halton"})
    first = clone.names()
    clone.engine(engine)
    assert clone.trained() == sorted(first) and len(first) == TRIALS
    EDITS["narrow"](clone)
    kept = first & clone.names()
    clone.engine(other[engine], *TRAINS)
    assert clone.trained() == sorted(clone.names() - first) and len(kept) == 3


@pytest.fixture(scope="session")
def learnt(built, once):
    """The built clone after a Bayesian search of two rounds by DVC, committed and pushed."""

    def make(path):
        clone = built.copy(path)
        clone.edit(search={"method": "bayes"})
        clone.engine("dvc")
        clone.commit()
        clone.run("dvc", "push")

    return once("learnt", make)


def test_a_random_search_turned_bayesian_keeps_its_first_round(built, learnt):
    trained = [name for name in learnt.logged() if not name.startswith("replicate-")]
    trials = [path.stem for path in learnt.records()]
    assert trained == trials[3:] and trials[:3] == [path.stem for path in built.records()[:3]]
    assert len(learnt.rounds()) == 1
    ranked = learnt.reports()["ranking.csv"].decode().splitlines()[1:]
    assert sorted(int(line.split(",")[1]) >= 10**8 for line in ranked) == [False] * 3 + [True] * 3


def test_a_bayesian_search_comes_out_the_same_by_either_engine(fresh, learnt, tmp_path):
    clone = fresh.copy(tmp_path / "zdl")
    clone.edit(search={"method": "bayes"})
    said = clone.run("snakemake", "-n")
    assert re.findall(r"^trial (\S+):", said, re.M) == sorted(clone.names())
    assert len(re.findall(r"^propose ", said, re.M)) == 1
    clone.engine("snakemake")
    assert clone.trained() == sorted(clone.names()) and clone.reports() == learnt.reports()
    clone.engine("dvc")
    assert clone.trainings() == []
    assert (clone.path / "dvc.lock").read_bytes() == (learnt.path / "dvc.lock").read_bytes()
    assert "Nothing to be done" in clone.run("snakemake", "--cores", "2")


@pytest.mark.parametrize("engine", ENGINES)
def test_an_edit_of_a_bayesian_search_trains_the_affected_rounds(learnt, engine, tmp_path):
    """In a pulled clone, without metadata and without a store."""
    clone = pulled(learnt, engine, tmp_path / "zdl")
    first, reports = clone.names(), clone.reports()
    for trials, new, proposed, *targets in (  # rounds have 3: the third is filled up
        (8, 2, 1, *TRAINS),
        (9, 1, 0),
        (6, 0, 0),
    ):
        before = clone.names()
        clone.edit(search={"trials": trials})
        said = clone.run("snakemake", "-n")
        assert len(re.findall(r"^trial ", said, re.M)) == new
        assert len(re.findall(r"^propose ", said, re.M)) == proposed
        clone.engine(engine, *targets)
        assert clone.trained() == sorted(clone.names() - before) and len(clone.names() - before) == new
        assert (clone.reports() == reports) == (trials != 9)
    assert clone.names() == first
    clone.search(weight_decay=(1e-8, 1e-2))
    clone.run("rm", "-rf", ".snakemake")
    clone.engine(engine, *TRAINS)
    assert clone.trained() == sorted(clone.names() - first) and clone.names() - first >= later(clone.names())
    clone.run("git", "checkout", "--quiet", "params.yaml")
    clone.engine(other[engine])
    assert clone.trainings() == [] and clone.reports() == reports


def pulled(source, engine, path):
    """A second clone, with all that the first has pushed, in which an engine finds nothing to do."""
    source.run("git", "clone", "--quiet", ".", str(path))
    clone = Clone(path)
    clone.run("dvc", "pull")
    clone.engine(engine)
    assert clone.trainings() == []
    assert clone.run("git", "status", "--short") == ""
    return clone


def later(names):
    return {name for name in names if int(name[:4]) >= 3}


@pytest.mark.parametrize("engine", ENGINES)
def test_damage_to_a_bayesian_search_is_mended(learnt, engine, tmp_path):
    clone = learnt.copy(tmp_path / "zdl")
    clone.trained()
    clone.run("rm", "-r", ".zdl")
    reports, (proposed,), records = clone.reports(), clone.rounds(), clone.records()
    kept = proposed.read_bytes()
    proposed.write_bytes(kept[:-100])
    records[1].unlink()
    said = clone.engine(engine)
    assert f"results/trials/rounds/{proposed.name}: is damaged (its checksum does not hold)" in said
    assert clone.trained() == [records[1].stem] and clone.reports() == reports
    assert proposed.read_bytes() == kept


def test_a_trial_of_a_bayesian_search_is_had_by_its_place_once_it_is_proposed(learnt, fresh, tmp_path):
    name = learnt.records()[5].stem
    clone = learnt.copy(tmp_path / "learnt")
    told = clone.run("python", "workflow/scripts/trial.py", "--verbose", "5")
    assert told.count("epoch") == 2 and clone.trained()[-1] == name
    clone = fresh.copy(tmp_path / "zdl")
    clone.edit(search={"method": "bayes"})
    clone.run("snakemake", "--cores", "1", "ready")
    said = clone.run("python", "workflow/scripts/trial.py", "--verbose", "5", ok=False)
    assert "results/trials/rounds/0001-" in said and said.count("\n") == 1


@pytest.mark.parametrize("engine", ENGINES)
def test_damage_is_named_and_mended(clone, engine):
    """A truncated and a deleted record, without the store: both are trained again, and only they."""
    reports, (torn, gone, *_) = clone.reports(), clone.records()
    torn.write_bytes(torn.read_bytes()[:-100])
    gone.unlink()
    clone.run("rm", "-r", ".zdl")
    said = clone.engine(engine)
    assert f"results/trials/{torn.name}: is damaged (its checksum does not hold)" in said
    assert clone.trained() == sorted([torn.stem, gone.stem])
    assert clone.reports() == reports


def test_what_a_killed_dvc_left_half_written_is_made_again(clone, tmp_path):
    path = clone.path / "dvc.lock"
    lock = path.read_bytes()
    path.write_bytes(b"")
    clone.run("dvc", "repro", ok=False)
    programs(tmp_path / "bin", dvc="exit 0")  # in DVC's place
    found = f"{tmp_path / 'bin'}{os.pathsep}{clone.env['PATH']}"
    said = clone.run("python", "workflow/scripts/repro.py", PATH=found)
    assert "dvc.lock: was left half written" in said and not path.exists()  # as DVC finds it in the next case
    cut = lock[: lock.index(b"outs:") + 5]
    checksum = lock[: lock.index(b"md5: ") + 7]  # two of its digits, which DVC refuses too
    rwlock = b'{"read": {'
    for own, left in (("dvc.lock", cut), ("dvc.lock", checksum), (".dvc/tmp/rwlock", rwlock)):
        (clone.path / own).write_bytes(left)
        clone.run("dvc", "repro", ok=False)
        assert f"{own}: was left half written" in clone.run("python", "workflow/scripts/repro.py")
        assert path.read_bytes() == lock
    assert clone.trainings() == []
    assert clone.run("git", "status", "--short") == ""


@pytest.mark.parametrize("engine", ENGINES)
def test_a_report_edited_by_hand_is_made_again(clone, engine):
    reports = clone.reports()
    for name in ("ranking.csv", "README.md", "best20.svg"):
        with (clone.path / "reports" / name).open("a") as file:
            file.write("1,99\n")
    clone.engine(engine)
    assert clone.reports() == reports
    assert clone.trainings() == []


@pytest.mark.parametrize("engine", ENGINES)
def test_time_stamps_mean_nothing(clone, engine):
    for number, path in enumerate(sorted(clone.path.rglob("*"))):
        if path.is_file() and ".git" not in path.parts and ".dvc" not in path.parts:
            os.utime(path, (number * 7919 % 10**9,) * 2)
    clone.run("rm", "-r", "data/split")
    clone.engine(engine)
    assert clone.trainings() == []
    assert clone.run("git", "status", "--short") == ""


def test_each_step_writes_what_it_declares_and_nothing_else(fresh, tmp_path):
    clone = fresh.copy(tmp_path / "zdl")
    stages = YAML(typ="safe").load((clone.path / "dvc.yaml").read_text())["stages"]
    before = files(clone)
    for name, stage in stages.items():
        clone.run(*stage["cmd"].split())
        written = files(clone) - before
        declared = [next(iter(out)) for kind in ("outs", "metrics", "plots") for out in stage.get(kind, [])]
        if name == "weights":  # not for dvc.lock: see dvc.yaml
            declared += ["results/best.npz", "results/manifests/weights"]
        assert {path for path in written if not under(path, declared)} == set(), name
        assert all(any(under(path, [out]) for path in written) for out in declared), name
        before |= written
    assert "Nothing to be done" in clone.run("snakemake", "--cores", "1")
    assert clone.trained() == sorted(clone.names())


def files(clone):
    """The project's files, less what each machine keeps for itself."""
    own = (".git", ".dvc", ".zdl", ".snakemake", "logs", "benchmarks", "__pycache__")
    paths = (path.relative_to(clone.path) for path in clone.path.rglob("*") if path.is_file())
    return {path for path in paths if not set(path.parts) & set(own)}


def under(path, declared):
    return any(path.is_relative_to(out) for out in declared)


@pytest.mark.parametrize(
    "command", ["snakemake --cores 1", "snakemake -n", "dvc repro", "python workflow/scripts/split.py"]
)
def test_a_wrong_setting_is_one_line_before_any_work(fresh, command, tmp_path):
    clone = fresh.copy(tmp_path / "zdl")
    clone.search(lr=(1e-2, 1e-6))
    before = files(clone)
    said = clone.run(*command.split(), ok=False)
    lines = [line for line in said.splitlines() if "search.space.lr" in line]
    assert len(lines) == 1 and "0.01" in lines[0]
    assert "Traceback" not in said
    assert files(clone) == before
    assert clone.trainings() == []


def test_a_setting_on_the_command_line_is_refused(fresh):
    said = fresh.run("snakemake", "--cores", "1", "--config", "trials=3", ok=False)
    assert "--config trials: settings are in params.yaml and nowhere else" in said
