"""Names: they cover all code that makes a file, and DVC's stages depend on all that the names do."""

import copy
import json
from functools import cache
from types import SimpleNamespace

import pytest
from ruamel.yaml import YAML

from tests.engines import PARAMS, ROOT
from zdl.artifacts import artifact
from zdl.artifacts.artifact import Artifact, Function
from zdl.artifacts.closure import Closure, Source
from zdl.artifacts.fingerprint import PACKAGE, Fingerprint
from zdl.config.problem import Problem
from zdl.config.settings import load
from zdl.pipeline.paths import REPORTS, Paths
from zdl.search.replicates import Replicate
from zdl.search.trial import Trial

STAGES = YAML(typ="safe").load((ROOT / "dvc.yaml").read_text())["stages"]
SETTINGS = load(PARAMS)
MADE = {  # what each stage has in the paths
    "download": ["raw"],
    "prepare": ["prepared", "held_out"],
    "split": ["split"],
    "plan": ["plan"],
    "aggregate": ["table"],
    "replicates": ["replicates"],
    "baseline": ["baseline"],
    "rank": ["rank_manifest", "full_ranking"],
    "weights": ["weights_manifest"],
    "draw_trials": ["trial_figures"],
    "draw_replicates": ["replicate_figures"],
    "pages": ["pages_manifest"],
}
# The shell finds, reads, checks, locks and writes files: no edit of it changes what a file holds.
COMPUTES = ("zdl.artifacts.encoding", "zdl.artifacts.schemas")
SHELL = [
    module
    for module in Source(PACKAGE).paths
    if module.startswith(("zdl.pipeline", "zdl.artifacts.", "zdl.data.download")) and module not in COMPUTES
]


def made(paths, stage):
    """The artifacts of a stage."""
    values = (getattr(paths, name) for name in MADE[stage])
    lists = (value.values() if isinstance(value, dict) else value for value in values)
    return [each for value in lists for each in ([value] if isinstance(value, Artifact) else value)]


def functions(made):
    """The function that makes an artifact, and those of the problem that it is given."""
    return {made.entry} | {value.entry for value in made.given.values() if isinstance(value, Function)}


TODAY = Paths(SETTINGS)
ENTRIES = sorted(
    {function for stage in MADE for each in made(TODAY, stage) for function in functions(each)}
    | {Trial.entry, Replicate.entry, "zdl.search.rounds:round_file"}
)


@pytest.mark.parametrize("entry", ENTRIES)
def test_what_computes_neither_reads_nor_writes_a_file(entry):
    """So whatever it works with was handed to it, and is in the name of what it makes."""
    closure = Closure(Source(PACKAGE), entry)
    assert not {f"{module}:{name}" for module, name in closure.definitions if module in SHELL}


@pytest.mark.parametrize("entry", ENTRIES)
def test_other_code_makes_other_names_and_so_does_all_that_follows(entry, monkeypatch):
    known = artifact.fingerprint

    def other(name):
        code, libraries = known(name)
        return Fingerprint("0" * 64 if name == entry else code, libraries)

    for module in ("artifacts.artifact", "artifacts.fingerprint", "pipeline.paths"):
        monkeypatch.setattr(f"zdl.{module}.fingerprint", other)
    pairs = list(zip(TODAY.artifacts, Paths(SETTINGS).artifacts, strict=True))
    assert {old.path for old, new in pairs if old.path != new.path} == {
        old.path for old, _ in pairs if entry in upstream(old)
    }


@cache
def upstream(made):
    """The functions that an artifact of today is made by, directly or not."""
    entries, inputs = functions(made), list(made.inputs)
    if made.entry == "zdl.search.plan:plan_file":  # which names trials by what trains them, and on what
        entries, inputs = entries | {Trial.entry, TODAY.train}, [TODAY.split]
    if made.entry == "zdl.search.plan:table_file":
        inputs.append(TODAY.plan)
    if made.entry == "zdl.analysis.best:replicate_file":
        entries |= {Replicate.entry, TODAY.train}
        inputs += [TODAY.prepared, TODAY.held_out]
    return entries.union(*map(upstream, inputs))


def leaves(value, at=()):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*at, key))
    else:
        yield at


def edited(path):
    """The settings with another value at one place."""
    settings = copy.deepcopy(SETTINGS)
    *keys, last = path
    holder = settings
    for key in keys:
        holder = holder[key]
    value = holder[last]
    others = {"source": "bundled", "method": "halton", "optimizer": "adam", "activation": "sigmoid"}
    others |= {"weight_init": 0.1, "dtype": "float32", "evaluate_samples": 7}
    holder[last] = others.get(last, value * 0.5 if isinstance(value, float) else value)
    if isinstance(value, int):
        holder[last] = value + 1
    return settings


# The problem, and so its declarations, are edited below.
PATHS = [
    path
    for path in leaves(SETTINGS)
    if path[-1] != "distribution" and path[0] != "problem" and "hyperparameters" not in path
]


@pytest.mark.parametrize("path", PATHS, ids=[".".join(path) for path in PATHS])
def test_a_stage_depends_on_every_setting_that_the_names_of_its_files_follow_from(path):
    """Otherwise DVC leaves it as it is after an edit, and a later stage finds no file of that name."""
    assert_stages_run(Paths(edited(path)), ".".join(path))


@pytest.mark.parametrize("part", ["load", "prepare", "train", "linear", "weights"])
def test_a_stage_depends_on_the_problem_whichever_of_its_functions_is_another(part, monkeypatch):
    """A problem may take the others from the book's."""
    book = TODAY.problem.module
    other = Problem("other", SimpleNamespace(**{**vars(book), part: book.fetch}))
    monkeypatch.setattr(Problem, "named", lambda name: other if name == "other" else TODAY.problem)
    paths = Paths({**SETTINGS, "problem": "other"})
    assert {each.path for each in paths.artifacts} - {each.path for each in TODAY.artifacts}
    assert_stages_run(paths, "problem")


def assert_stages_run(new, edit):
    """Each stage of which names change, though its inputs are the same, depends on the edited setting."""
    old = TODAY
    for stage in MADE:
        pairs = list(zip(made(old, stage), made(new, stage), strict=False))
        inputs = [
            (a.path, b.path) for one, two in pairs for a, b in zip(one.inputs, two.inputs, strict=False)
        ]
        renamed = any(one.path != two.path for one, two in pairs) or len(made(old, stage)) != len(
            made(new, stage)
        )
        if (
            renamed and all(one == two for one, two in inputs) and stage != "aggregate"
        ):  # which reads the plan
            params = STAGES[stage].get("params", [])
            covered = any(edit.startswith(each) for each in params)
            assert covered or "params.yaml" in STAGES[stage]["deps"], f"{stage}: {edit}"


def test_a_stage_depends_on_what_it_is_made_from_on_all_code_and_on_all_libraries():
    outs = {path: stage for stage, spec in STAGES.items() for path in paths_of(spec)}
    for stage in MADE:
        for each in made(TODAY, stage):
            needed = {str(path.path.parent) for path in each.inputs}
            assert needed - {str(each.path.parent)} <= {*STAGES[stage]["deps"]} and needed <= outs.keys()
        assert {"src/zdl", "requirements.lock"} <= {*STAGES[stage]["deps"]}


def paths_of(spec):
    for out in [*spec.get("outs", []), *spec.get("metrics", [])]:
        yield from out if isinstance(out, dict) else [out]


def test_what_is_published_is_what_stages_put_out():
    for stage in ("rank", "draw_trials", "draw_replicates", "pages"):
        published = {str(path) for each in made(TODAY, stage) for path in each.published.values()}
        reports = {path for path in paths_of(STAGES[stage]) if path.startswith(f"{REPORTS}/")}
        assert reports == {path for path in published if path.startswith(f"{REPORTS}/")}


def test_a_function_gets_nothing_that_its_file_is_not_named_by():
    with pytest.raises(TypeError, match=r"tables:full_ranking: \['more'\] handed in, \[\] declared"):
        TODAY.full_ranking.compute(more=json)
