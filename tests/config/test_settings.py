"""Settings: what is accepted, in which one spelling; and how everything else is refused, in one line."""

import copy
import json
import re
import time
from pathlib import Path

import dvc.api
import jsonschema
import pytest
from hypothesis import assume, given
from hypothesis import settings as effort
from hypothesis import strategies as st
from ruamel.yaml import YAML

from tests.engines import Clone
from zdl.artifacts.encoding import canonical
from zdl.config import settings as zs
from zdl.data import mnist
from zdl.nn.optimizers import OPTIMIZERS, knobs
from zdl.search.distributions import SAMPLING_BOUNDS
from zdl.search.samplers import SAMPLERS, sampler

ROOT = Path(__file__).parents[2]
SHIPPED = (ROOT / "params.yaml").read_text(encoding="utf-8")
SCHEMA = YAML(typ="safe", pure=True).load(ROOT / "workflow/schemas/params.schema.yaml")
SPACE = SCHEMA["properties"]["search"]["properties"]["space"]["properties"]
# The edits below are of this text and not of params.yaml, which users edit.
PARAMS = """\
data:
  source: auto
  subsample: 500

split:
  validation_rate: 0.2
  seed: 1

model:
  hidden_sizes: [100, 100, 100, 100, 100, 100]
  activation: relu
  weight_init: relu

training:
  epochs: 50
  batch_size: 100
  optimizer: sgd
  lr: 0.01
  weight_decay: 0.0
  momentum: 0.9
  decay_rate: 0.99
  beta1: 0.9
  beta2: 0.999
  evaluate_samples: null
  dtype: float64

search:
  method: random
  trials: 100
  batch: 10
  seed: 42
  space:
    lr: {distribution: log_uniform, low: 1.0e-6, high: 1.0e-2}
    weight_decay: {distribution: log_uniform, low: 1.0e-8, high: 1.0e-4}

replicate:
  trials: 5
  replicates: 10
  seed: 7

report:
  best: 20
"""
LR = "lr: {distribution: log_uniform, low: 1.0e-6, high: 1.0e-2}"
DECAY = "weight_decay: {distribution: log_uniform, low: 1.0e-8, high: 1.0e-4}"
LR_5, DECAY_3 = LR.replace("}", ", points: 5}"), DECAY.replace("}", ", points: 3}")
GRID = [("method: random", "method: grid"), (LR, LR_5), (DECAY, DECAY_3)]
POINTS = "search.space.lr.points"
SIZES = "[100, 100, 100, 100, 100, 100]"


@pytest.fixture(scope="module")
def params(tmp_path_factory):
    return tmp_path_factory.mktemp("settings") / "params.yaml"


def load(path, content):
    """What `content` (text, bytes, or plain Python) loads as when it is the params.yaml."""
    if not isinstance(content, str | bytes):
        content = json.dumps(content)  # JSON is YAML 1.2
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    return zs.load(path, ROOT / "workflow/schemas/params.schema.yaml")


@pytest.fixture(scope="module")
def read_by_dvc(params):
    """A function that gives what DVC reads in the params.yaml."""
    (params.parent / ".dvc").mkdir()
    (params.parent / ".dvc/config").write_text("[core]\nno_scm = true\n")  # as `dvc init --no-scm` writes it
    return lambda: dvc.api.params_show(params.name, repo=str(params.parent))


def edited(*edits):
    """The shipped params.yaml after (old, new) edits, each of text that occurs in it."""
    text = PARAMS
    for old, new in edits:
        assert old in text
        text = text.replace(old, new, 1)
    return text


def refusal(path, content):
    """The message of the SettingsError that `content` gives, without the file's name."""
    with pytest.raises(zs.SettingsError) as error:
        load(path, content)
    line = str(error.value)
    assert line.startswith(f"{path}: ")
    assert line.isprintable()
    assert len(line) < len(str(path)) + 500
    return line.removeprefix(f"{path}: ")


# What is shipped.


@pytest.mark.parametrize("universe", [{}, {"lr": {"uniform": (0.0, 1.0)}}], ids=["name", "distribution"])
def test_what_the_universe_lacks_is_refused(params, monkeypatch, universe):
    rest = {name: kinds for name, kinds in SAMPLING_BOUNDS.items() if name != "lr"}
    monkeypatch.setattr(zs, "SAMPLING_BOUNDS", {**universe, **rest})
    bounds = "zdl.search.distributions.SAMPLING_BOUNDS"
    said = f"search.space.lr: log_uniform is not in {bounds}, though in the schema"
    assert refusal(params, PARAMS) == said


@pytest.mark.parametrize("text", [SHIPPED, PARAMS], ids=["shipped", "tested"])
def test_settings_load_and_are_plain(params, text):
    settings = load(params, text)
    assert json.loads(canonical(settings)) == settings
    assert list(settings) == ["data", "split", "model", "training", "search", "replicate", "report"]
    assert list(settings["training"]) == SCHEMA["properties"]["training"]["required"]


def test_the_default_search_is_the_book_s(params):
    settings = load(params, PARAMS)
    assert settings["search"]["space"]["lr"] == {"distribution": "log_uniform", "low": 1e-6, "high": 1e-2}
    assert zs.notes(settings) == []


def test_default_paths_are_the_repository_s(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert list(zs.load()) == SCHEMA["required"]


def test_schema_is_a_valid_schema():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def keys_of(part, at=()):
    """Every key that a schema names, as (path, its own title and description)."""
    for name, inner in part.get("properties", {}).items():
        referred = SCHEMA["$defs"][inner["$ref"].rpartition("/")[2]] if "$ref" in inner else {}
        yield (*at, name), {**referred, **inner}
        yield from keys_of({**referred, **inner}, (*at, name))


def test_every_key_is_described_and_every_description_has_its_key():
    described = dict(keys_of(SCHEMA))
    assert all(part.get("title") and part.get("description") for at, part in described.items() if len(at) < 4)
    assert all(
        SCHEMA["$defs"]["distribution"]["properties"][key]["description"]
        for key in ("low", "high", "points", "options")
    )

    def paths(value, at=()):
        if isinstance(value, dict):
            for key, inner in value.items():
                yield (*at, key)
                yield from paths(inner, (*at, key))

    written = [at for at in paths(YAML(typ="safe", pure=True).load(SHIPPED)) if len(at) < 4]
    required = [at for at in described if at[:2] != ("search", "space") or len(at) == 2]
    assert set(required) <= set(written) <= set(described)


def test_no_part_of_the_schema_lets_unknown_keys_through():
    def objects(part):
        if isinstance(part, dict):
            if part.get("type") == "object":
                yield part
            for inner in part.values():
                yield from objects(inner)

    assert len(list(objects(SCHEMA))) == 10
    assert all(part["additionalProperties"] is False for part in objects(SCHEMA))


def test_schema_and_universe_agree():
    assert list(SPACE) and set(SPACE) == set(SAMPLING_BOUNDS)
    for name, part in SPACE.items():
        assert part["properties"]["distribution"]["enum"] == [*SAMPLING_BOUNDS[name], "choice"]
        boxes = re.findall(r"(\w+) within ([\de.+-]+?)\.\.([\de.+-]*\d)", part["description"])
        assert {kind: (float(low), float(high)) for kind, low, high in boxes} == SAMPLING_BOUNDS[name]


def test_schema_and_code_agree():
    assert list(OPTIMIZERS) == SCHEMA["$defs"]["optimizer"]["enum"]
    settings_of_training = set(SCHEMA["properties"]["training"]["required"])
    assert all(set(knobs(name)) <= set(SAMPLING_BOUNDS) & settings_of_training for name in OPTIMIZERS)
    data = SCHEMA["properties"]["data"]["properties"]
    assert SCHEMA["properties"]["search"]["properties"]["method"]["enum"] == list(SAMPLERS)
    assert data["source"]["enum"] == list(mnist.SOURCES)
    assert data["subsample"]["maximum"] == mnist.LARGEST_LEADING


# Numbers and names: the one spelling.

NUMBERS = {
    "1e-6": 1e-6,
    "1e-06": 1e-6,
    "1.0e-6": 1e-6,
    "1E-6": 1e-6,
    "+1e-6": 1e-6,
    "0.000001": 1e-6,
    ".5": 0.5,
    "5.": 5.0,
    "1.e3": 1000.0,
    "1": 1.0,
    "010": 10.0,
    "0o10": 8.0,
    "0x10": 16.0,
    "1_000": 1000.0,
}


@pytest.mark.parametrize("spelling", NUMBERS)
def test_number_spellings_alike_in_both_engines(params, read_by_dvc, spelling):
    value = load(params, edited(("lr: 0.01", f"lr: {spelling}")))["training"]["lr"]
    assert type(value) is float
    assert value == NUMBERS[spelling] == read_by_dvc()["training"]["lr"]


@pytest.mark.parametrize("text", [SHIPPED, PARAMS], ids=["shipped", "tested"])
def test_dvc_reads_the_same(params, read_by_dvc, text):
    settings = load(params, text)
    assert read_by_dvc() == zs.read(params)
    assert zs.normalise(read_by_dvc()) == settings


def test_the_order_of_keys_changes_no_settings_but_that_of_what_is_searched(params):
    def turned(value, searched=False):
        if not isinstance(value, dict):
            return value
        items = value.items() if searched else reversed(value.items())
        return {key: turned(inner, key == "space") for key, inner in items}

    settings, text = load(params, SHIPPED), YAML(typ="safe").load(SHIPPED)
    assert json.dumps(load(params, json.dumps(turned(text)))) == json.dumps(settings)
    text["search"]["space"] = dict(reversed(text["search"]["space"].items()))
    swapped = load(params, json.dumps(text))["search"]["space"]
    assert list(swapped) == list(reversed(settings["search"]["space"]))


def test_dvc_reads_text_as_text(params, read_by_dvc):
    params.write_text("a: no\nb: 1:30\nc: on\nd: y\ne: 1e\n", encoding="utf-8")
    assert read_by_dvc() == zs.read(params) == {"a": "no", "b": "1:30", "c": "on", "d": "y", "e": "1e"}


def test_what_dvc_exp_run_writes_is_read(tmp_path):
    clone = Clone(tmp_path / "zdl")
    (clone.path / ".dvc").mkdir(parents=True)
    (clone.path / ".dvc/config").write_text("[core]\nanalytics = false\n")
    (clone.path / "dvc.yaml").write_text("stages: {nothing: {cmd: 'true', deps: [params.yaml]}}\n")
    params = clone.path / "params.yaml"
    params.write_text(PARAMS, encoding="utf-8")
    clone.run("git", "init", "--quiet")
    clone.commit()
    edits = ("search.space.lr.low=1e-7", "training.optimizer=Adam", "+training.evaluate_samples=100")
    clone.run("dvc", "exp", "run", *(f"--set-param={edit}" for edit in edits))
    text = params.read_text(encoding="utf-8")
    assert "1e-07" in text
    settings = load(params, text)
    assert settings["search"]["space"]["lr"]["low"] == 1e-7
    assert settings["training"]["evaluate_samples"] == 100


SPELLINGS = [  # equal settings, written in two ways
    (("epochs: 50", "epochs: 50.0"),),
    (("epochs: 50", "epochs: 5e1"),),
    (("subsample: 500", "subsample: 0x1f4"),),
    (("optimizer: sgd", "optimizer: SGD"),),
    (("activation: relu", "activation: ReLU"),),
    (("weight_init: relu", "weight_init: he"),),
    (("weight_init: relu", "weight_init: He"),),
    (("weight_decay: 0.0", "weight_decay: 0"),),
    (("weight_decay: 0.0", "weight_decay: -0.0"),),
    (("low: 1.0e-6", "low: 0.000001"),),
    ((SIZES, "[100.0, 1e2, 100, 100, 0o144, 100]"),),
    (("data:", "\ufeffdata:"),),
    (("data:", "---\ndata:"),),
]


@pytest.mark.parametrize("edits", SPELLINGS, ids=str)
def test_equal_settings_have_equal_bytes(params, edits):
    assert canonical(load(params, edited(*edits))) == canonical(load(params, PARAMS))


def test_line_endings_and_json_are_read(params):
    assert (
        load(params, PARAMS.replace("\n", "\r\n"))
        == load(params, PARAMS)
        == load(params, load(params, PARAMS))
    )


def test_choices_are_normalised(params):
    space = (
        "optimizer: {distribution: choice, options: [Adam, SGD]}\n"
        "    weight_init: {distribution: choice, options: [Xavier, he, 1]}\n"
        "    lr: {distribution: choice, options: [1, 1e-3]}\n"
        "    epochs: {distribution: choice, options: [1e1]}"
    )
    found = load(params, edited((LR, space)))["search"]["space"]
    assert [canonical(found[name]["options"]) for name in ("optimizer", "weight_init", "lr", "epochs")] == [
        b'["adam","sgd"]',
        b'["sigmoid","relu",1.0]',
        b"[1.0,0.001]",
        b"[10]",
    ]
    assert list(found) == ["optimizer", "weight_init", "lr", "epochs", "weight_decay"]


# What is refused: (edits or the whole file, the key or place that is named, what is allowed).


def lr(spec):
    return [(LR, spec)]


BROKEN = [
    # the file as a whole
    ("", "null is not a mapping", "data, split, model"),
    ("# nothing but a comment\n", "null is not a mapping", "data, split, model"),
    ("[1, 2]", "[1, 2] is not a mapping", "data, split, model"),
    ("42", "42 is not a mapping", "data, split, model"),
    ("no", "'no' is not a mapping", "data, split, model"),
    ("{}", "data: is missing", "data, split, model"),
    (b"\xff\xfed\x00a\x00", "line 1: is not text", "UTF-8"),
    (PARAMS.replace("trials: 100", "trials: 100 # \xe9").encode("latin-1"), "line 29: is not text", "UTF-8"),
    (PARAMS + "#" * 100_000, "is too long", "100000 bytes"),
    (b"data: [" + b"1, " * 3_400_000, "is too long", "100000 bytes"),
    (PARAMS + "\x00", "line 43, column 1: a character", "UTF-8 text"),
    (PARAMS + "# \x07", "line 43, column 3: a character", "UTF-8 text"),
    ("[" * 99_999, "line 1, column", "10 levels"),
    ("{" * 99_999, "line 1, column", "10 levels"),
    ("- " * 49_999, "line 1, column", "10 levels"),
    ("a: [" + "1, " * 5_000 + "]", "line 1, column", "2000 values"),
    ("".join(f"a{i}: 1\n" for i in range(5000)), "line", "2000 values"),
    # YAML that settings have no place for
    (
        "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [{f'*a{i - 1}, ' * 9}]\n" for i in range(1, 30)),
        "line 1, column 5: an anchor or alias, a0",
        "written out",
    ),
    ("a: &a [*a]", "line 1, column 4: an anchor or alias, a", "written out"),
    ([("seed: 42", "seed: &s 42")], "line 31, column 9: an anchor or alias, s", "written out"),
    ([("seed: 42", "seed: *s")], "line 31, column 9: an anchor or alias, s", "written out"),
    ([("  seed: 42", "  <<: {seed: 42}")], "line 31, column 3: a merge key", "written out"),
    ([("seed: 42", "seed: !!int 42")], "line 31, column 9: a tag, tag:yaml.org,2002:int", "plain values"),
    ([("seed: 42", "seed: !!python/object/apply:os.getcwd []")], "line 31, column 9: a tag", "plain values"),
    ([("seed: 42", "seed: !!binary aGVsbG8=")], "line 31, column 9: a tag", "plain values"),
    ([("  space:", "  space: !!set")], "line 32, column 10: a tag", "plain values"),
    ([("seed: 42", "seed: !env HOME")], "line 31, column 9: a tag, !env", "plain values"),
    ("%YAML 1.1\n---\n" + PARAMS, "line 2, column 1: a directive", "YAML 1.2"),
    (PARAMS + "---\na: 1\n", "line 43, column 1: a second document", "one"),
    ([("seed: 42", "seed:\t42")], "line 31, column 8: found character '\\t'", "cannot start any token"),
    ([("  seed: 42", "\tseed: 42")], "line 31, column 1: found character '\\t'", "cannot start any token"),
    ([("  seed: 42", " seed: 42")], "line 31, column 2", "expected <block end>"),
    ([("[100, 100", "[100, 100]")], "line 10, column", "expected <block end>"),
    ([("optimizer: sgd", 'optimizer: "sgd')], "line", "unexpected"),
    ([("seed: 42", "seed: 42\n  seed: 43")], 'line 32, column 3: found duplicate key "seed"', '"43"'),
    ([("report:", "search:")], 'line 41, column 1: found duplicate key "search"', "original value"),
    ([("optimizer: sgd", 'optimizer: "\\UFFFFFFFF"')], "is not YAML", ""),
    (
        [("optimizer: sgd", "optimizer: " + "x" * 300)],
        "line 17, column 14: a value that is too long",
        "200 ch",
    ),
    ([("lr: 0.01", "lr: " + "9" * 5000)], "line 18, column 7: a value that is too long", "200 characters"),
    # keys
    (
        [("subsample:", "subsmaple:")],
        "data.subsmaple: is not a key here",
        "source, subsample; perhaps subsample",
    ),
    (
        [("trials:", "n_trials:")],
        "search.n_trials: is not a key",
        "method, trials, batch, seed, space; perhaps trials",
    ),
    (
        [("report:", "plots: {}\nreport:")],
        "plots: is not a key here",
        "data, split, model, training, search, replicate, report",
    ),
    ([("low: 1.0e-6", "lwo: 1.0e-6")], "search.space.lr.lwo: is not a key here", "perhaps low"),
    (
        [("    lr:", "    learning_rate:")],
        "search.space.learning_rate: is not a key here",
        "lr, weight_decay",
    ),
    ([("  seed: 42", "  1: 2\n  seed: 42")], "search[1]: is not a key here", "method, trials"),
    (
        [("  seed: 42", "  ? [a, b]\n  : 2\n  seed: 42")],
        "search[('a', 'b')]: is not a key here",
        "method, trials",
    ),
    ([("  seed: 42", "  ~: 2\n  seed: 42")], "search[null]: is not a key here", "method, trials"),
    (
        [("  seed: 42", '  "a\\nb\\e": 2\n  seed: 42')],
        "search['a\\nb\\x1b']: is not a key here",
        "method, trials",
    ),
    ([("  best: 20", "  {}")], "report.best: is missing", "needed: best"),
    ([("  epochs: 50", "")], "training.epochs: is missing", "epochs, batch_size"),
    ([("split:", "spilt:")], "spilt: is not a key here", "perhaps split) (and 1 more)"),
    # types
    ([("source: auto", "source: no")], "data.source: 'no' is not one of these", "auto, mirrors, bundled"),
    ([("source: auto", "source:")], "data.source: null is not one of these", "auto, mirrors, bundled"),
    (
        [("subsample: 500", "subsample: many")],
        "data.subsample: 'many' is not a whole number",
        "from 2 to 5847",
    ),
    (
        [("subsample: 500", "subsample: '500'")],
        "data.subsample: '500' is not a whole number",
        "from 2 to 5847",
    ),
    (
        [("subsample: 500", "subsample: 500.5")],
        "data.subsample: 500.5 is not a whole number",
        "from 2 to 5847",
    ),
    (
        [("subsample: 500", "subsample: true")],
        "data.subsample: true is not a whole number",
        "from 2 to 5847",
    ),
    (
        [("subsample: 500", "subsample: [500]")],
        "data.subsample: [500] is not a whole number",
        "from 2 to 5847",
    ),
    ([("lr: 0.01", "lr: yes")], "training.lr: 'yes' is not a number", "a number above 0"),
    ([("lr: 0.01", "lr: false")], "training.lr: false is not a number", "a number above 0"),
    ([("lr: 0.01", "lr: 1e")], "training.lr: '1e' is not a number", "a number above 0"),
    ([("lr: 0.01", "lr: 0,01")], "training.lr: '0,01' is not a number", "a number above 0"),
    ([("lr: 0.01", "lr: 1:30")], "training.lr: '1:30' is not a number", "a number above 0"),
    ([("lr: 0.01", "lr: 2001-01-01")], "training.lr: '2001-01-01' is not a number", "a number above 0"),
    ([("lr: 0.01", "lr: 2001-99-99")], "training.lr: '2001-99-99' is not a number", "a number above 0"),
    ([("lr: 0.01", "lr: .nan")], "training.lr: nan is not a number", "a number above 0"),
    ([("lr: 0.01", "lr: .inf")], "training.lr: inf is not a number", "a number above 0"),
    ([("lr: 0.01", "lr: 1e400")], "training.lr: inf is not a number", "a number above 0"),
    ([("lr: 0.01", "lr: 1e301")], "training.lr: 1e+301 is not a number", "a number above 0"),
    ([("seed: 42", "seed: 0x" + "f" * 198)], "search.seed: 26046", "from 0 to 9007199254740991"),
    ([("lr: 0.01", "lr:")], "training.lr: null is not a number", "a number above 0"),
    ([("lr: 0.01", "lr: {low: 1}")], "training.lr: {'low': 1} is not a number", "a number above 0"),
    (
        [("null", "none")],
        "training.evaluate_samples: 'none' is not a whole number or null",
        "1 to 60000 or null",
    ),
    ([(SIZES, "100")], "model.hidden_sizes: 100 is not a list", "a list of at least 1 and at most 64"),
    ([(SIZES, "[100, x]")], "model.hidden_sizes[1]: 'x' is not a whole number", "from 1 to 8192"),
    ([(SIZES, "[100, [100]]")], "model.hidden_sizes[1]: [100] is not a whole number", "from 1 to 8192"),
    ([("optimizer: sgd", "optimizer: adamw")], "training.optimizer: 'adamw' is not one of", "rmsprop, adam"),
    (
        [("optimizer: sgd", 'optimizer: "s\\ngd"')],
        "training.optimizer: 's\\ngd' is not one of",
        "rmsprop, adam",
    ),
    ([("optimizer: sgd", "optimizer: 1")], "training.optimizer: 1 is not one of these", "rmsprop, adam"),
    ([("activation: relu", "activation: Tanh")], "model.activation: 'Tanh' is not one of", "relu, sigmoid"),
    (
        [("weight_init: relu", "weight_init: lecun")],
        "model.weight_init: 'lecun' is neither",
        "xavier or a number",
    ),
    ([("dtype: float64", "dtype: float16")], "training.dtype: 'float16' is not one of", "float64, float32"),
    (
        [("method: random", "method: annealing")],
        "search.method: 'annealing' is not one of these",
        "grid, halton",
    ),
    # ranges of one value
    ([("subsample: 500", "subsample: 1")], "data.subsample: 1 is out of range", "from 2 to 5847"),
    ([("subsample: 500", "subsample: -500")], "data.subsample: -500 is out of range", "from 2 to 5847"),
    ([("subsample: 500", "subsample: 60000")], "data.subsample: 60000 is out of range", "from 2 to 5847"),
    (
        [("validation_rate: 0.2", "validation_rate: 0")],
        "split.validation_rate: 0 is out",
        "above 0 and below 1",
    ),
    (
        [("validation_rate: 0.2", "validation_rate: 1")],
        "split.validation_rate: 1 is out",
        "above 0 and below 1",
    ),
    (
        [("validation_rate: 0.2", "validation_rate: 20")],
        "split.validation_rate: 20 is out",
        "above 0 and below 1",
    ),
    ([("seed: 1", "seed: -1")], "split.seed: -1 is out of range", "from 0 to 9007199254740991"),
    ([("seed: 42", "seed: 1e30")], "search.seed: 1e+30 is out of range", "from 0 to 9007199254740991"),
    ([(SIZES, "[]")], "model.hidden_sizes: [] is out of range", "a list of at least 1"),
    ([(SIZES, "[100, 0]")], "model.hidden_sizes[1]: 0 is out of range", "from 1 to 8192"),
    ([(SIZES, str([1] * 65))], "model.hidden_sizes: [1, 1, 1", "at most 64"),
    (
        [("weight_init: relu", "weight_init: 0")],
        "model.weight_init: 0 is neither",
        "xavier or a number above 0",
    ),
    ([("epochs: 50", "epochs: 0")], "training.epochs: 0 is out of range", "from 1 to 100000"),
    ([("epochs: 50", "epochs: 1e9")], "training.epochs: 1000000000.0 is out of range", "from 1 to 100000"),
    ([("batch_size: 100", "batch_size: 0")], "training.batch_size: 0 is out of range", "from 1 to 60000"),
    ([("batch_size: 100", "batch_size: 1e9")], "training.batch_size: 1000000000.0 is", "from 1 to 60000"),
    ([("lr: 0.01", "lr: 0")], "training.lr: 0 is out of range", "a number above 0"),
    ([("lr: 0.01", "lr: -0.01")], "training.lr: -0.01 is out of range", "a number above 0"),
    ([("weight_decay: 0.0", "weight_decay: -1e-9")], "training.weight_decay: -1e-09 is", "a number from 0"),
    ([("momentum: 0.9", "momentum: 1")], "training.momentum: 1 is out of range", "from 0 and below 1"),
    ([("decay_rate: 0.99", "decay_rate: 99")], "training.decay_rate: 99 is out", "from 0 and below 1"),
    ([("beta1: 0.9", "beta1: -0.9")], "training.beta1: -0.9 is out of range", "from 0 and below 1"),
    ([("beta2: 0.999", "beta2: 1.0")], "training.beta2: 1.0 is out of range", "from 0 and below 1"),
    ([("null", "0")], "training.evaluate_samples: 0 is out of range", "from 1 to 60000 or null"),
    ([("trials: 100", "trials: 0")], "search.trials: 0 is out of range", "from 1 to 1000000"),
    ([("trials: 100", "trials: 1e7")], "search.trials: 10000000.0 is out of range", "from 1 to 1000000"),
    (
        [("method: random", "method: bayes"), ("trials: 100", "trials: 1001")],
        "search.trials: 1001 is out of range",
        "from 1 to 1000)",
    ),
    ([("  batch: 10\n", "")], "search.batch: is missing", "needed: method, trials, batch, seed, space"),
    ([("batch: 10", "batch: 0")], "search.batch: 0 is out of range", "from 1 to 1000"),
    ([("batch: 10", "batch: ten")], "search.batch: 'ten' is not a whole number", "from 1 to 1000"),
    ([("best: 20", "best: 0")], "report.best: 0 is out of range", "from 1 to 200"),
    ([("trials: 5\n", "trials: 0\n")], "replicate.trials: 0 is out of range", "from 1 to 200"),
    ([("replicates: 10", "replicates: -1")], "replicate.replicates: -1 is out of range", "from 1 to 1000"),
    (
        [("replicates: 10", "replicates: many")],
        "replicate.replicates: 'many' is not a whole number",
        "from 1 to 1000",
    ),
    ([("seed: 7", "seed: .nan")], "replicate.seed: nan is not a whole number", "from 0"),
    # the search space
    ([(LR, ""), (DECAY, "")], "search.space: null is not a mapping", "one or more of lr"),
    ([(LR, "{}"), (DECAY, "")], "search.space: {} is out of range", "one or more of lr"),
    (
        lr("lr: 0.01"),
        "search.space.lr: 0.01 is not a mapping",
        "the keys distribution, low, high, points, options",
    ),
    (lr("lr: {low: 1, high: 2}"), "search.space.lr.distribution: is missing", "distribution"),
    (lr("lr: {distribution: uniform, low: 1}"), "search.space.lr.high: is missing", "low, high"),
    (lr("lr: {distribution: choice}"), "search.space.lr.options: is missing", "options"),
    (lr("lr: {distribution: choice, options: []}"), "search.space.lr.options: [] is out", "at least 1"),
    (
        lr("lr: {distribution: choice, options: 0.1}"),
        "search.space.lr.options: 0.1 is not a list",
        "at least 1",
    ),
    (
        lr("lr: {distribution: choice, options: [1], low: 1}"),
        "search.space.lr.low: is not a key here",
        "distribution, options",
    ),
    (
        lr("lr: {distribution: uniform, low: 1, high: 2, options: [1]}"),
        "search.space.lr.options: is not a key here",
        "distribution, low, high",
    ),
    (
        lr("lr: {distribution: choice, options: [0.1, 0]}"),
        "search.space.lr.options[1]: 0 is out of range",
        "a number above 0",
    ),
    (
        lr("lr: {distribution: choice, options: [1, 1.0]}"),
        "search.space.lr.options: [1, 1.0] repeats an option",
        "",
    ),
    (
        lr("optimizer: {distribution: choice, options: [Adam, adam]}"),
        "search.space.optimizer.options: ['Adam', 'adam'] repeats an option",
        "",
    ),
    (
        lr("weight_init: {distribution: choice, options: [he, relu]}"),
        "search.space.weight_init.options: ['he', 'relu'] repeats an option",
        "",
    ),
    (
        lr("activation: {distribution: choice, options: [relu, tanh]}"),
        "search.space.activation.options[1]: 'tanh' is not one of these",
        "relu, sigmoid",
    ),
    (
        lr("hidden_depth: {distribution: choice, options: [1, 65]}"),
        "search.space.hidden_depth.options[1]: 65 is out of range",
        "from 1 to 64",
    ),
    (
        [("lr: {distribution: log_uniform", "lr: {distribution: loguniform")],
        "search.space.lr.distribution: 'loguniform' is not one of these",
        "log_uniform, uniform, choice",
    ),
    (
        lr("optimizer: {distribution: uniform, low: 1, high: 2}"),
        "search.space.optimizer.distribution: 'uniform' is not one of these",
        "choice",
    ),
    (
        lr("batch_size: {distribution: uniform, low: 1, high: 2}"),
        "search.space.batch_size.distribution: 'uniform' is not one of these",
        "int_uniform, choice",
    ),
    (
        lr("batch_size: {distribution: int_uniform, low: 1.5, high: 2}"),
        "search.space.batch_size.low: 1.5 is not a whole number",
        "a whole number from 1",
    ),
    (
        lr("momentum: {distribution: log_uniform, low: 0.1, high: 0.2}"),
        "search.space.momentum.distribution: 'log_uniform' is not one of these",
        "uniform, choice",
    ),
    ([("low: 1.0e-6", "low: abc")], "search.space.lr.low: 'abc' is not a number", "a number above 0"),
    ([("low: 1.0e-6", "low: 0")], "search.space.lr.low: 0 is out of range", "a number above 0"),
    ([("low: 1.0e-6", "low: true")], "search.space.lr.low: true is not a number", "a number above 0"),
    ([("high: 1.0e-2", "high: .inf")], "search.space.lr.high: inf is not a number", "a number above 0"),
    ([("low: 1.0e-6", "low: 1e-2")], "search.space.lr.low: 0.01 is not below high, 0.01", "low < high"),
    ([("low: 1.0e-6", "low: 1")], "search.space.lr.low: 1.0 is not below high, 0.01", "low < high"),
    ([("low: 1.0e-6", "low: 1e-20")], "search.space.lr.low: 1e-20 is out of range", "1e-12 to 10000.0"),
    ([("high: 1.0e-2", "high: 1e5")], "search.space.lr.high: 100000.0 is out of range", "1e-12 to 10000.0"),
    (
        lr("lr: {distribution: uniform, low: 1, high: 11}"),
        "search.space.lr.high: 11.0 is out of range",
        "0.0 to 10.0",
    ),
    (
        lr("hidden_width: {distribution: int_uniform, low: 10, high: 10000}"),
        "search.space.hidden_width.high: 10000 is out of range",
        "1 to 8192",
    ),
    (
        [("low: 1.0e-6", "low: 0.009999999")],
        "search.space.lr: 0.009999999 to 0.01 is too narrow",
        "fix training.lr",
    ),
    (
        lr("weight_init: {distribution: uniform, low: 1, high: 1.000001}"),
        "search.space.weight_init: 1.0 to 1.000001 is too narrow",
        "fix model.weight_init",
    ),
    # grids
    (
        lr("lr: {distribution: log_uniform, low: 1e-6, high: 1e-2, points: 1}"),
        f"{POINTS}: 1 is out of",
        "from 2 to 1000",
    ),
    (
        lr("lr: {distribution: uniform, low: 0, high: 1, points: 2.5}"),
        f"{POINTS}: 2.5 is not a whole",
        "from 2 to 1000",
    ),
    (
        lr("lr: {distribution: uniform, low: 0, high: 1, points: all}"),
        f"{POINTS}: 'all' is not a",
        "from 2 to 1000",
    ),
    (
        lr("lr: {distribution: choice, options: [1], points: 5}"),
        f"{POINTS}: is not a key here",
        "distribution, options",
    ),
    (
        lr("lr: {distribution: log_uniform, low: 1e-6, high: 1e-2, points: 5}"),
        f"{POINTS}: 5 plays no part, as the method is random",
        "with grid",
    ),
    (
        [("method: random", "method: halton"), (LR, LR_5)],
        f"{POINTS}: 5 plays no part, as the method is halton",
        "with grid",
    ),
    (
        [("method: random", "method: grid")],
        f"{POINTS}: is missing (needed by the method grid",
        "(and 1 more)",
    ),
    (
        [("method: random", "method: grid"), (LR, LR_5)],
        "search.space.weight_decay.points: is missing (needed by the method grid",
        "a choice",
    ),
    (
        [*GRID, (LR_5, "hidden_depth: {distribution: int_uniform, low: 1, high: 6, points: 7}")],
        "search.space.hidden_depth.points: 7 is more than the whole numbers from 1 to 6",
        "2 to 6",
    ),
    (
        [*GRID, ("trials: 100", "trials: 14")],
        "search.trials: 14 is less than the 15 points of the grid",
        "a grid of up to 14 points, or more trials",
    ),
    (
        [*GRID, ("points: 5", "points: 1000"), ("points: 3", "points: 1000")],
        "search.trials: 100 is less than the 1000000 points of the grid",
        "up to 100",
    ),
    # keys that do not go together
    ([("auto", "bundled"), ("500", "501")], "data.subsample: 501 is more than are bundled", "up to 500"),
    (
        [("0.2", "0.001")],
        "split.validation_rate: 0.001 of 500 is no image",
        "1 image or more",
    ),
    (
        lr("momentum: {distribution: uniform, low: 0, high: 1}"),
        "search.space.momentum: plays no part, as the optimizer is sgd",
        "momentum, nesterov",
    ),
    (
        lr("beta1: {distribution: choice, options: [0.9]}"),
        "search.space.beta1: plays no part, as the optimizer is sgd",
        "adam",
    ),
    (
        lr(
            "optimizer: {distribution: choice, options: [sgd, adam]}\n"
            "    decay_rate: {distribution: uniform, low: 0.5, high: 1}"
        ),
        "search.space.decay_rate: plays no part, as the optimizer is sgd, adam",
        "rmsprop",
    ),
    (
        [(SIZES, "[100, 50]"), (LR, "hidden_depth: {distribution: int_uniform, low: 1, high: 3}")],
        "search.space.hidden_depth: has no one width among [100, 50]",
        "equal model.hidden_sizes",
    ),
]


@pytest.mark.parametrize(("change", "key", "allowed"), BROKEN, ids=[key[:60] for _, key, _ in BROKEN])
def test_broken_settings_are_one_line(params, change, key, allowed):
    line = refusal(params, edited(*change) if isinstance(change, list) else change)
    assert line.startswith(key)
    assert allowed in line.removeprefix(key)


def test_several_errors_are_counted(params):
    line = refusal(
        params, edited(("subsample: 500", "subsample: x"), ("best: 20", "best: 0"), ("low: 1.0e-6", "low: y"))
    )
    assert line.startswith("data.subsample: 'x' is not")
    assert line.endswith("(and 2 more)")


def test_an_error_that_two_rules_find_is_counted_once(params):
    line = refusal(params, edited((LR, "lr: {distribution: choice, options: [1], opt: 1}")))
    assert line.startswith("search.space.lr.opt: is not a key here")
    assert "more)" not in line


def test_a_message_has_no_line_break_from_the_file_s_name(tmp_path):
    with pytest.raises(zs.SettingsError, match=r"no\\nsuch.yaml: cannot be read: No such file") as error:
        zs.load(tmp_path / "no\nsuch.yaml")
    assert str(error.value).isprintable()


@pytest.mark.parametrize("name", [".", "missing.yaml", "nul\0.yaml"])
def test_what_is_no_file_is_refused(tmp_path, name):
    with pytest.raises(zs.SettingsError, match="cannot be read"):
        zs.load(tmp_path / name)


@pytest.mark.parametrize(
    "unit", ["[", "{", "[a,", "? ", "- ", "&a ", "*a ", "!a ", "'", '"\\n', "a: ", "\n", "%", "|\n", "[[a]: "]
)
def test_no_text_takes_long_to_refuse(params, unit):
    start = time.process_time()
    refusal(params, (unit * 100_000)[:100_000])
    assert time.process_time() - start < 3


# The bounds themselves are allowed.

FINE = [
    GRID,
    [*GRID, ("trials: 100", "trials: 15")],
    [*GRID, (LR_5, "lr: {distribution: choice, options: [0.1, 0.01]}")],
    [*GRID, (LR_5, "hidden_depth: {distribution: int_uniform, low: 1, high: 6, points: 6}")],
    [*GRID, ("points: 5", "points: 5.0")],
    [("method: random", "method: halton")],
    [("subsample: 500", "subsample: 2"), ("0.2", "0.5")],
    [("auto", "bundled")],
    [("auto", "mirrors"), ("subsample: 500", "subsample: 5847")],
    [("seed: 42", "seed: 9007199254740991")],
    [("momentum: 0.9", "momentum: 0")],
    [("weight_init: relu", "weight_init: 0.01")],
    [("null", "1")],
    lr("lr: {distribution: log_uniform, low: 1e-12, high: 1e4}"),
    lr("lr: {distribution: uniform, low: 0, high: 10}"),
    lr("batch_size: {distribution: int_uniform, low: 1, high: 8192}"),
    lr("lr: {distribution: choice, options: [0.1]}"),
    [("optimizer: sgd", "optimizer: Nesterov"), (LR, "momentum: {distribution: uniform, low: 0, high: 1}")],
    [("optimizer: sgd", "optimizer: adam"), (LR, "beta1: {distribution: choice, options: [0.8, 0.9]}")],
    lr(
        "optimizer: {distribution: choice, options: [sgd, RMSprop]}\n"
        "    decay_rate: {distribution: uniform, low: 0.5, high: 1}"
    ),
    [(SIZES, "[100, 50]"), (LR, "hidden_width: {distribution: int_uniform, low: 1, high: 3}")],
    [
        (SIZES, "[100, 50]"),
        (
            LR,
            "hidden_width: {distribution: int_uniform, low: 1, high: 3}\n"
            "    hidden_depth: {distribution: choice, options: [2]}",
        ),
    ],
]


@pytest.mark.parametrize("edits", FINE, ids=str)
def test_bounds_are_allowed(params, edits):
    assert load(params, edited(*edits))


@pytest.mark.parametrize(
    ("edits", "said"),
    [
        ([("trials: 100", "trials: 19")], "report.best: 20 are to be shown, but search.trials is 19"),
        ([("batch_size: 100", "batch_size: 401")], "batch_size: above 400, the training images"),
        (GRID, "report.best: 20 are to be shown, but the grid has 15"),
        (
            [("method: random", "method: bayes"), ("batch: 10", "batch: 100")],
            "search.batch: 100, the first ones, are drawn at random: of 100 trials bayes learns nothing",
        ),
        (lr("batch_size: {distribution: int_uniform, low: 9, high: 500}"), "batch_size: above 400"),
        (lr("batch_size: {distribution: choice, options: [401, 9]}"), "batch_size: above 400"),
        ([("dtype: float64", "dtype: float32")], "training.dtype: float32"),
    ],
)
def test_notes(params, edits, said):
    (note,) = zs.notes(load(params, edited(*edits)))
    assert note.startswith(said)


@pytest.mark.parametrize("edit", [("batch_size: 100", "batch_size: 400"), ("trials: 100", "trials: 20")])
def test_just_enough_needs_no_note(params, edit):
    assert zs.notes(load(params, edited(edit))) == []


# Effective configurations.


def test_resolve_of_a_plain_trial(params):
    settings = load(params, PARAMS)
    assert zs.resolve(settings, {"lr": 0.5, "weight_decay": 1e-5}) == {
        "hidden_sizes": [100] * 6,
        "activation": "relu",
        "weight_init": "relu",
        "epochs": 50,
        "batch_size": 100,
        "optimizer": "sgd",
        "lr": 0.5,
        "weight_decay": 1e-5,
        "dtype": "float64",
        "evaluate_samples": None,
    }


@pytest.mark.parametrize(
    ("optimizer", "terms"),
    [
        ("sgd", {}),
        ("momentum", {"momentum": 0.5}),
        ("nesterov", {"momentum": 0.5}),
        ("adagrad", {}),
        ("rmsprop", {"decay_rate": 0.99}),
        ("adam", {"beta1": 0.9, "beta2": 0.999}),
    ],
)
def test_resolve_holds_only_the_terms_that_play_a_part(params, optimizer, terms):
    settings = load(params, PARAMS)
    config = zs.resolve(settings, {"optimizer": optimizer, "momentum": 0.5})
    assert {
        key: config[key] for key in ("momentum", "decay_rate", "beta1", "beta2") if key in config
    } == terms


@pytest.mark.parametrize(
    ("sizes", "point", "expected"),
    [
        ("[100, 50]", {}, [100, 50]),
        ("[100, 50]", {"hidden_width": 7}, [7, 7]),
        ("[100, 100]", {"hidden_depth": 3}, [100, 100, 100]),
        ("[100, 50]", {"hidden_width": 7, "hidden_depth": 1}, [7]),
    ],
)
def test_resolve_of_the_shape(params, sizes, point, expected):
    settings = load(params, edited((SIZES, sizes)))
    before = copy.deepcopy(settings)
    config = zs.resolve(settings, point)
    assert config["hidden_sizes"] == expected
    config["hidden_sizes"].append(1)
    assert settings == before


# Any file at all.


def survives(path, content):
    """Settings, or one line; and settings are as they should be."""
    try:
        settings = load(path, content)
    except zs.SettingsError as error:
        assert str(error).isprintable()
        assert len(str(error)) < len(str(path)) + 500
        return None
    once = canonical(settings)
    assert canonical(load(path, once)) == once  # one spelling: reading it again changes nothing
    jsonschema.validate(settings, SCHEMA)
    zs.notes(settings)
    return settings


@effort(max_examples=100, deadline=None)
@given(content=st.binary(max_size=300) | st.text(max_size=300))
def test_any_file_is_settings_or_one_line(params, content):
    assert survives(params, content) is None


@effort(max_examples=100, deadline=None)
@given(
    at=st.integers(0, len(PARAMS)),
    cut=st.integers(0, 40),
    new=st.text("ab:-[]{},&*!|>'\"%@#?~.=<\\ \n\t\r\x85\u20280129exE_+", max_size=12) | st.text(max_size=4),
)
def test_any_edit_of_the_text_is_settings_or_one_line(params, at, cut, new):
    survives(params, PARAMS[:at] + new + PARAMS[at + cut :])


ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(
        [
            "choice",
            "uniform",
            "log_uniform",
            "int_uniform",
            "Adam",
            "he",
            "relu",
            "float32",
            "grid",
            "halton",
            1e300,
            10**400,
        ]
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=6,
)
RICH = YAML(typ="safe", pure=True).load(edited(("lr: 0.01", "lr: 0.02")))
RICH["search"]["space"] |= {
    "batch_size": {"distribution": "int_uniform", "low": 1, "high": 100},
    "optimizer": {"distribution": "choice", "options": ["Adam", "momentum", "RMSprop"]},
    "momentum": {"distribution": "uniform", "low": 0, "high": 1},
    "weight_init": {"distribution": "choice", "options": ["he", 0.01]},
    "hidden_depth": {"distribution": "choice", "options": [1, 2]},
}


def places(value, at=()):
    """The path of every value in nested mappings and lists."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        yield (*at, key)
        if isinstance(inner, dict | list):
            yield from places(inner, (*at, key))


@effort(max_examples=100, deadline=None)
@given(edits=st.lists(st.tuples(st.sampled_from(list(places(RICH))), ANY), max_size=3), drop=st.booleans())
def test_any_other_value_is_settings_or_one_line(params, edits, drop):
    changed = copy.deepcopy(RICH)
    for at, value in edits:
        holder = changed
        for key in at[:-1]:
            holder = holder[key] if isinstance(holder, dict) and key in holder else {}
        if drop and isinstance(holder, dict):
            holder.pop(at[-1], None)
        elif isinstance(holder, dict):
            holder[at[-1]] = value
    survives(params, changed)


def value_of(name):
    """A strategy for valid values of a hyper-parameter, by its schema."""
    part = SCHEMA["$defs"][name]
    if "anyOf" in part:
        return st.sampled_from(["relu", "sigmoid"]) | st.floats(1e-3, 1)
    if "enum" in part:
        return st.sampled_from(part["enum"])
    if part["type"] == "integer":
        return st.integers(part["minimum"], part["maximum"])
    return st.floats(1e-9, part.get("exclusiveMaximum", 100), exclude_max=True)


def range_of(name, kind):
    number = (st.integers if kind == "int_uniform" else st.floats)(*SAMPLING_BOUNDS[name][kind])
    ends = st.lists(number, min_size=2, max_size=2, unique=True).map(sorted)
    return ends.map(lambda ends: {"distribution": kind, "low": ends[0], "high": ends[1]})


def spec_of(name):
    options = st.lists(value_of(name), min_size=1, max_size=4, unique=True)
    choice = options.map(lambda chosen: {"distribution": "choice", "options": chosen})
    return st.one_of(choice, *(range_of(name, kind) for kind in SAMPLING_BOUNDS[name]))


@effort(max_examples=25, deadline=None)
@given(
    space=st.lists(
        st.sampled_from(sorted(set(SAMPLING_BOUNDS) - {"optimizer"})), min_size=1, max_size=4, unique=True
    )
    .map(lambda names: {name: spec_of(name) for name in names})
    .flatmap(st.fixed_dictionaries),
    method=st.sampled_from(["random", "halton"]),
)
def test_whatever_is_drawn_is_a_valid_configuration(params, space, method):
    space["optimizer"] = {"distribution": "choice", "options": list(OPTIMIZERS)}
    changed = copy.deepcopy(RICH)
    changed["search"]["space"] = space
    settings = survives(params, changed)
    assume(settings)  # some ranges are too narrow
    for point, _ in sampler(settings["search"] | {"method": method}).propose((), 2):
        assert list(point) == list(space)
        config = zs.resolve(settings, point)
        terms = set(config) & {"lr", "momentum", "decay_rate", "beta1", "beta2"}
        assert terms == set(knobs(config["optimizer"]))
        for name in set(config) & set(SCHEMA["$defs"]):
            jsonschema.validate(config[name], SCHEMA["$defs"][name])
            assert config[name] == point.get(name, config[name])
        jsonschema.validate(config["hidden_sizes"], {"items": SCHEMA["$defs"]["hidden_width"], "minItems": 1})
