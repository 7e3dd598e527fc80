"""Each setting is declared once: the schema follows from the declarations, and so does all of the search."""

import json
import re
import shutil
import subprocess
import sys

import jsonschema
import pytest
from ruamel.yaml import YAML

from tests.config.test_settings import BOOK, DECAY, PARAMS, ROOT, SHIPPED
from zdl.config.hyperparameters import Hyperparameter
from zdl.config.schema import schema, text
from zdl.config.settings import problem_of
from zdl.data import mnist
from zdl.nn.network import ACTIVATIONS, VARIANCES
from zdl.nn.optimizers import OPTIMIZERS, hyperparameters
from zdl.problems.book import HYPERPARAMETERS
from zdl.search.samplers import SAMPLERS

SCHEMA = schema(BOOK)
SEARCHED = {name for name, each in HYPERPARAMETERS.items() if isinstance(each, Hyperparameter)}


def parts(part, at=()):
    """Every mapping in the schema, with the keys that lead to it; references are followed."""
    if "$ref" in part:
        part = {**SCHEMA["$defs"][part["$ref"].rpartition("/")[2]], **part}
    yield at, part
    for name, inner in part.get("properties", {}).items():
        yield from parts(inner, (*at, name))
    for inner in part.get("oneOf", ()):
        yield from parts(inner, at)


def test_the_schema_in_the_repository_is_that_of_the_models():
    """If not: make schema."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert YAML(typ="safe", pure=True).load(text(BOOK)) == SCHEMA
    committed = (ROOT / "workflow/schemas/params.schema.yaml").read_text(encoding="utf-8")
    assert committed == text(problem_of(YAML(typ="safe", pure=True).load(SHIPPED), "params.yaml"))
    assert SHIPPED.startswith("# yaml-language-server: $schema=workflow/schemas/params.schema.yaml\n")


def test_every_setting_is_described_in_both_languages_and_required():
    described = {at: part for at, part in reversed(list(parts(SCHEMA))) if 0 < len(at) < 4}  # unions win
    for at, part in described.items():
        english, japanese = part["description"].split("\n")
        assert part["title"] and english.isascii() and re.search("[ぁ-ん]", japanese), at
        assert "default" not in part
    fixed = {at for at in described if at[:2] != ("search", "space") or len(at) == 2}
    shipped = YAML(typ="safe", pure=True).load(PARAMS)
    sections = shipped.keys() - {"problem"}
    assert fixed == {(name,) for name in shipped} | {
        (name, key) for name in sections for key in shipped[name]
    }
    assert {at[2] for at in described.keys() - fixed} == SEARCHED
    objects = [part for at, part in parts(SCHEMA) if "properties" in part]
    assert all(part["additionalProperties"] is False for part in objects)
    required = [part for part in objects if set(part["properties"]) != SEARCHED]
    assert all(
        set(part["properties"]) - {"points", "eta", "min_epochs"} == set(part["required"])
        for part in required
    )
    assert len(objects) == len(required) + 1 > 30


def test_settings_and_code_agree():
    assert set(ACTIVATIONS) == set(HYPERPARAMETERS["activation"].names)
    assert set(VARIANCES) == set(HYPERPARAMETERS["weight_init"].names)
    in_training = {name for name, each in HYPERPARAMETERS.items() if each.section == "training"}
    assert all(set(hyperparameters(name)) <= in_training for name in OPTIMIZERS)
    options = {at: [part["const"]] for at, part in parts(SCHEMA) if "const" in part}
    options |= {at: part["enum"] for at, part in parts(SCHEMA) if "enum" in part}
    assert options["search", "method"] == list(SAMPLERS)
    assert options["data", "source"] == list(mnist.SOURCES)


def test_bounds_of_ranges_hold_only_values_that_are_allowed():
    for name in SEARCHED:
        bounds = HYPERPARAMETERS[name].bounds
        for kind, (low, high) in HYPERPARAMETERS[name].sampling.items():
            whole = kind == "int_uniform"
            assert whole is (HYPERPARAMETERS[name].number is int) and low < high
            assert low >= bounds.get("ge", 0) and high <= bounds.get("le", high)
            # A share is below 1, so the high end of a range is drawn by int_uniform and log_uniform only.
            assert high <= bounds.get("lt", high) and (low > bounds.get("gt", -1) or kind == "uniform")


NEW = """\
    "residual_scale": Hyperparameter(
        title=("Residual scale", "残差の倍率"),
        description=("What a hidden layer adds is multiplied by this.", "隠れ層が加える値に掛けます。"),
        section="model",
        number=float,
        bounds={"ge": 0, "le": 1},
        sampling={"uniform": (0.0, 1.0)},
    ),
"""
SEARCHES = """if True:
    import json
    from zdl import Error
    from zdl.config.problem import Problem
    from zdl.config.schema import schema
    from zdl.config.settings import load
    from zdl.search import plan

    try:
        settings = load("params.yaml")
    except Error as error:
        raise SystemExit(f"{error}")
    for spec in settings["search"]["space"].values():
        spec["points"] = 3  # for the grid; the others do not look at it
    tried = {}
    for method in ("random", "grid", "halton", "bayes"):
        trials = plan.trials({**settings, "search": settings["search"] | {"method": method, "trials": 10}})
        tried[method] = [[trial.point, trial.spec["config"]] for trial in trials]
    print(json.dumps([tried, schema(Problem.named("book"))]))
"""


@pytest.fixture
def run(tmp_path):
    """A function that says what the searches of a params.yaml try, by a copy of the package."""
    shutil.copytree(ROOT / "src/zdl", tmp_path / "zdl")

    def run(text):
        (tmp_path / "params.yaml").write_text(text, encoding="utf-8")
        command = [sys.executable, "-c", SEARCHES]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        return json.loads(done.stdout) if done.returncode == 0 else done.stderr

    return run


def test_a_new_hyperparameter_is_one_entry(run, tmp_path):
    """And its value in params.yaml: then it is checked, handed to the trials, searched, and in the schema."""
    before, _ = run(PARAMS)
    declarations = tmp_path / "zdl/problems/book.py"
    old = declarations.read_text(encoding="utf-8")
    new = old.replace("\n}\n\nDATA", f"\n{NEW}}}\n\nDATA")
    declarations.write_text(new, encoding="utf-8")

    text = PARAMS.replace("weight_init: relu\n", "weight_init: relu\n  residual_scale: 0.3\n")
    fixed, schema = run(text)
    for method, trials in before.items():
        assert fixed[method] == [[point, config | {"residual_scale": 0.3}] for point, config in trials]
    assert schema["$defs"]["residual_scale"]["title"] == "Residual scale / 残差の倍率"
    line = "model.residual_scale: 3 is out of range (allowed: a number from 0 to 1)"
    assert run(text.replace("0.3", "3")) == f"params.yaml: {line}\n"

    searched, _ = run(
        text.replace(DECAY, f"{DECAY}\n    residual_scale: {{distribution: uniform, low: 0, high: 1}}")
    )
    for method, trials in searched.items():
        values = [point.pop("residual_scale") for point, _ in trials]
        assert values == [config["residual_scale"] for _, config in trials]
        assert len(set(values)) == (3 if method == "grid" else 10) and 0 <= min(values) < max(values) <= 1
        if method != "grid":  # what was searched before stays as it was
            assert [point for point, _ in trials] == [point for point, _ in before[method]]
