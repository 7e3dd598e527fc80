"""A file's name covers all code that makes it: seen by watching what runs, and by planting edits in that."""

import functools
import json
import random
import re
import shutil

import pytest

from tests.engines import ANALYSE, ENGINES, STEP_BY_STEP, TRIALS, Clone, steps
from tests.pipeline.test_paths import ENTRIES, MADE, SETTINGS, SHELL, functions, made
from tests.planted import plant, source
from zdl.artifacts.closure import Closure, Source
from zdl.pipeline.paths import Paths
from zdl.search.replicates import Replicate
from zdl.search.trial import Trial

CONFIG = ("settings", "models", "hyperparameters", "problem", "types", "space", "checks", "reading")
CONFIG += ("messages", "words")
# What may run besides what computes: the shell, and what only decides names, which hold what it gives.
NAMING = {
    "zdl": "errors",
    "zdl.data.rows": "how many images the settings leave",
    "zdl.problems.book": "settings and words, which names hold, and files that are pinned by digests",
    "zdl.artifacts.encoding": "seals, digests",
    "zdl.artifacts.schemas": "accepts contents, or refuses them",
    "zdl.data.mnist": "brings files that are pinned by digests",
    "zdl.nn.optimizers": "which hyper-parameters there are",
    "zdl.data.scores": "the name of the score, which names hold",
    "zdl.search.curves": "which trials are the best, which their replicates say",
    "zdl.search.checkpoint": "which checkpoint a training goes on from, which changes no record",
    "zdl.search.plan": "the points of trials, which their names hold",
    "zdl.report.formatting": "words of messages",
    "zdl.report.book_lines": "lines of the best, for messages",
    "zdl.analysis.ranking": "which trials are the best, which their replicates say",
    "zdl.analysis.best": "which trials are the best, which their replicates say",
    "zdl.search.replicates": "what determines replicates, which their names hold",
    "zdl.search.rounds": "the names of rounds",
    "zdl.search.samplers": "points, which names hold",
    **{f"zdl.config.{name}": "settings, which names hold" for name in CONFIG},
    "zdl.search.distributions": "points, which names hold",
    "zdl.search.trial": "what determines trials, which their names hold",
}

TODAY = Paths(SETTINGS)
STAGES = {each.entry: stage for stage in MADE for each in made(TODAY, stage)}
STAGES |= {Trial.entry: "trials", "zdl.search.rounds:round_file": "trials", Replicate.entry: "replicates"}
RULES = STAGES | {Trial.entry: "trial", "zdl.search.rounds:round_file": "propose"}
RULES |= {entry: "replicate" for entry, stage in STAGES.items() if stage == "replicates"}
# What is in the name of what a function makes: its code, and that of the functions that it is given.
GIVEN = {each.entry: list(functions(each)) for stage in MADE for each in made(TODAY, stage)}
GIVEN |= {entry: [entry, TODAY.train] for entry in (Trial.entry, Replicate.entry)}
GIVEN = {entry: GIVEN.get(entry, [entry]) for entry in STAGES}


def digests_of(source, entries=GIVEN):
    """Digests of the code in the name of what each function makes."""
    known = functools.cache(lambda function: Closure(source, function).digest)
    return {entry: [known(each) for each in GIVEN[entry]] for entry in entries}


@pytest.fixture(scope="module")
def ran(watched):
    """Which definitions ran while each function did; under "", which did besides."""
    functions = {}
    for path in (watched.path.parent / "ran").iterdir():
        for entry, names in json.loads(path.read_text()).items():
            functions.setdefault(entry, set()).update(names)
    return functions


def test_each_step_writes_what_it_declares_and_nothing_else(watched):
    written = json.loads((watched.path.parent / "written.json").read_text())
    for name, step in steps().items():
        declared = [next(iter(out)) for kind in ("outs", "metrics", "plots") for out in step.get(kind, [])]
        if name == "weights":  # not for dvc.lock: see dvc.yaml
            declared += ["results/best.npz", "results/manifests/weights"]
        undeclared = [path for path in written[name] if not any(under(path, out) for out in declared)]
        missing = [out for out in declared if not any(under(path, out) for path in written[name])]
        assert (undeclared, missing) == ([], []), name
    assert "Nothing to be done" in watched.run("snakemake", "--cores", "1")
    assert watched.trained() == sorted(watched.names())


def under(path, out):
    return f"{path}/".startswith(f"{out}/")


def test_every_function_that_ran_is_covered_or_part_of_the_shell(watched, ran):
    assert ran.keys() == {*ENTRIES, ""}
    source = Source(watched.path / "src/zdl")
    for entry, given in GIVEN.items():
        closures = [Closure(source, each).definitions for each in given]
        covered = {f"{module}:{name}" for closure in closures for module, name in closure}
        rest = sorted(ran[entry] - covered)
        assert not rest, f"{entry}: {rest} ran, and no name covers it"
        assert entry in ran[entry]
    modules = {".".join(name.partition(":")[0].split(".")[:3]) for name in ran[""]}
    assert modules <= {*SHELL, *NAMING}


def plants(clone, ran, seed):
    """Plant edits drawn from a seed in code that ran, one after another: yields which module was edited and
    how, and the entries that it concerns. Each is reverted before the next."""
    rng, src = random.Random(seed), clone.path / "src"
    definitions = sorted({name for entry in GIVEN for name in ran[entry]})
    while True:
        definition = rng.choice(definitions)
        module = definition.partition(":")[0]
        path = source(src, module)
        text = path.read_text()
        if edit := plant(src, definition, rng):
            yield module, edit, {entry for entry in GIVEN if definition in ran[entry]}
            path.write_text(text)


def test_planted_edits_change_the_fingerprints_of_all_that_ran_them(watched, ran, tmp_path):
    clone = Clone(tmp_path / "zdl")
    shutil.copytree(watched.path / "src", clone.path / "src")
    whole = Source(clone.path / "src/zdl")
    digests = digests_of(whole)
    untouched = 0
    for (module, edit, concerned), _ in zip(plants(clone, ran, 0), range(100), strict=False):
        edited = Source(clone.path / "src/zdl")
        edited.module = functools.partial(either, module, edited._module(module), whole.module)
        now = digests_of(edited, concerned | {Trial.entry})
        unseen = {entry for entry in concerned if now[entry] == digests[entry]}
        assert not unseen, f"{edit}: {unseen}"
        if Trial.entry not in concerned:
            untouched += now[Trial.entry] == digests[Trial.entry]
    assert untouched > 20, "an edit of what tells of trials trains them again"


def either(name, edited, whole, asked):
    """The edited module under its name; any other as it was, since to parse all of them takes a second."""
    return edited if asked == name else whole(asked)


DRY = 'timeout 60 python -c "$0" && timeout 60 snakemake -n || echo broken'


def test_both_engines_and_the_check_notice_planted_edits(learnt, ran, tmp_path):
    clone = learnt.copy(tmp_path / "zdl")
    noticed = 0
    for _, edit, concerned in plants(clone, ran, 100):
        dry = clone.run("bash", "-c", DRY, ANALYSE)
        if dry.endswith("broken\n"):  # the code names no file any more, which is noticed anyway
            continue
        would_run = set(re.findall(r"^(\w+)(?: \S+)?: ", dry, re.M))
        assert {RULES[entry] for entry in concerned} - {"propose"} <= would_run, edit
        status = json.loads(clone.run("dvc", "status", "--json"))
        assert {STAGES[entry] for entry in concerned} <= status.keys(), edit
        clone.run("python", "workflow/scripts/check.py", ok=False)
        if (noticed := noticed + 1) == 4:
            break
    assert clone.trainings() == []


def test_after_one_run_the_report_is_that_of_a_fresh_clone_with_the_same_edit(learnt, ran, tmp_path):
    clone, fresh = learnt.copy(tmp_path / "zdl"), Clone(tmp_path / "fresh")
    edit = next(edit for _, edit, _ in plants(clone, ran, "report") if changes_the_report(clone, fresh))
    fresh.tell(clone.path)
    other = clone.copy(tmp_path / "other")
    for each, engine in zip((clone, other), ENGINES, strict=True):
        each.engine(engine)
        assert each.reports() == fresh.reports(), (engine, edit)


def changes_the_report(clone, fresh):
    """Whether all steps work with an edit, and give another report in an empty folder."""
    shutil.rmtree(fresh.path, ignore_errors=True)
    for name in ("src", "workflow"):
        shutil.copytree(clone.path / name, fresh.path / name)
    shutil.copy(clone.path / "params.yaml", fresh.path)
    steps = 'timeout 60 python -c "$0" > /dev/null 2>&1 && echo whole || echo broken'
    done = fresh.run("bash", "-c", steps, STEP_BY_STEP)
    return done == "whole\n" and fresh.reports() != clone.reports()


def test_nothing_needs_an_edit_and_nothing_is_due_when_a_module_is_split_in_two(learnt, tmp_path):
    clone = learnt.copy(tmp_path / "zdl")
    clone.run("snakemake", "--cores", "1", "weights")  # which DVC does not track
    one, other = (clone.path / f"src/zdl/{name}.py" for name in ("nn/history", "nn/record"))
    other.write_text(one.read_text())
    one.write_text("from zdl.nn.record import History, Hits, Say\n")
    assert "Nothing to be done" in clone.run("snakemake", "-n")
    other.write_text(other.read_text().replace('"diverged" if', '"Diverged" if'))
    assert f"{TRIALS} trials: 0 from the cache" in clone.run("snakemake", "-n")
    assert "src/zdl/nn/record.py: was edited" in clone.run("python", "workflow/scripts/check.py", ok=False)
