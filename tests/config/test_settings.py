"""Settings: what is accepted, in which one spelling; and how everything else is refused, in one line."""

import copy
import json
import re
import time
from pathlib import Path

import dvc.api
import jsonschema
import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from ruamel.yaml import YAML

from zdl.artifacts.encoding import canonical
from zdl.config import settings as zs
from zdl.config.checks import halving
from zdl.config.hyperparameters import plain
from zdl.config.messages import SettingsError
from zdl.config.problem import Problem
from zdl.config.reading import normalise, read
from zdl.config.schema import schema
from zdl.problems import book
from zdl.search.plan import notes

ROOT = Path(__file__).parents[2]
SHIPPED = (ROOT / "params.yaml").read_text(encoding="utf-8")
BOOK = Problem.named("book")
DECLARED = {**BOOK.data, **BOOK.hyperparameters}
SCHEMA = jsonschema.Draft202012Validator(schema(BOOK))
# The edits below are of this text and not of params.yaml, which users edit.
PARAMS = (ROOT / "tests/params.yaml").read_text(encoding="utf-8")
LR = "lr: {distribution: log_uniform, low: 1.0e-6, high: 1.0e-2}"
DECAY = "weight_decay: {distribution: log_uniform, low: 1.0e-8, high: 1.0e-4}"
GRID = (
    f"search.method: grid & search.space.{LR.replace('}', ', points: 5}')}"
    f" & search.space.{DECAY.replace('}', ', points: 3}')}"
)


@pytest.fixture(scope="module")
def params(tmp_path_factory):
    return tmp_path_factory.mktemp("settings") / "params.yaml"


def load(path, content):
    """What `content` (text, bytes, or plain Python) loads as when it is the params.yaml."""
    if not isinstance(content, str | bytes):
        content = json.dumps(content)  # JSON is YAML 1.2
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    return zs.load(path)


def written(settings):
    """Settings as a params.yaml has them: without the declarations that `load` adds."""
    search = {name: value for name, value in settings["search"].items() if name != "hyperparameters"}
    return settings | {"search": search}


@pytest.fixture(scope="module")
def read_by_dvc(params):
    """A function that gives what DVC reads in the params.yaml."""
    (params.parent / ".dvc").mkdir()
    (params.parent / ".dvc/config").write_text("[core]\nno_scm = true\n")  # as `dvc init --no-scm` writes it
    return lambda: dvc.api.params_show(params.name, repo=str(params.parent))


def edited(*edits):
    """PARAMS after (old, new) edits, each of text that occurs in it."""
    text = PARAMS
    for old, new in edits:
        assert old in text
        text = text.replace(old, new, 1)
    return text


def with_values(edits):
    """PARAMS after edits such as "search.trials: 9 & search.space.epochs: {distribution: ...}"."""
    text = PARAMS
    for key, value in re.findall(r"([\w.]+): ?(.*?)(?: & |$)", edits):
        text = with_value(text, key.split("."), value.replace("\\", r"\\"))
    return text


def with_value(text, keys, value):
    before, section, after = f"\n{text}".partition(f"\n{keys[0]}:")
    if len(keys) == 1:
        return (before + re.sub(r".*", f"{section} {value}", after, count=1))[1:]
    line = f"{'  ' * len(keys[:-1])}{keys[-1]}: {value}"
    if keys[-1] == "space":
        after = re.sub(r"^  space:\n(?:    .*\n)+", f"{line}\n", after, flags=re.M)
    elif len(keys) == 3 and f"    {keys[2]}:" not in after:  # one more is searched
        after = after.replace("  space:\n", f"  space:\n{line}\n", 1)
    else:
        after = re.sub(rf"^ +{keys[-1]}: .*$", line, after, count=1, flags=re.M)
    return (before + section + after)[1:]


def refusal(path, content):
    """The message of the SettingsError that `content` gives, without the file's name."""
    with pytest.raises(SettingsError) as error:
        load(path, content)
    line = str(error.value)
    assert line.startswith(f"{path}: ")
    assert line.isprintable()
    assert len(line) < len(str(path)) + 500
    return line.removeprefix(f"{path}: ")


# What is accepted.


@pytest.mark.parametrize("text", [SHIPPED, PARAMS], ids=["shipped", "tested"])
def test_settings_load_and_are_plain(params, read_by_dvc, text):
    settings = load(params, text)
    problem = Problem.named(settings["problem"])
    assert json.loads(canonical(settings)) == settings
    assert written(settings) == normalise(read_by_dvc(), {**problem.data, **problem.hyperparameters})
    assert settings["search"]["hyperparameters"] == plain(problem.hyperparameters)
    order = ("problem", "data", "split", "model", "training", "search", "replicate", "report")
    assert list(settings) == [section for section in order if section in settings]
    own = schema(problem)
    assert list(settings["training"]) == own["$defs"]["Training"]["required"]
    assert read_by_dvc() == read(params)
    assert jsonschema.Draft202012Validator(own).is_valid(read(params))


def test_the_default_search_is_the_book_s(params):
    settings = load(params, PARAMS)
    assert settings["search"]["space"]["lr"] == {"distribution": "log_uniform", "low": 1e-6, "high": 1e-2}
    assert [*notes(settings), *book.notes(settings)] == []


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
    value = load(params, with_values(f"training.lr: {spelling}"))["training"]["lr"]
    assert type(value) is float
    assert value == NUMBERS[spelling] == read_by_dvc()["training"]["lr"]


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
    assert read_by_dvc() == read(params) == {"a": "no", "b": "1:30", "c": "on", "d": "y", "e": "1e"}


SPELLINGS = [  # of the same settings
    *(with_values(f"training.epochs: {value}") for value in ("50.0", "5e1")),
    *(with_values(f"training.weight_decay: {value}") for value in ("0", "-0.0")),
    *(with_values(f"model.weight_init: {value}") for value in ("he", "He")),
    PARAMS.replace("problem: book", "problem: 'book'"),
    with_values("data.subsample: 0x1f4 & training.optimizer: SGD & model.activation: ReLU"),
    *(with_values(f"model.hidden_width: {value}") for value in ("100.0", "1e2", "0o144")),
    with_values("search.space.lr: {distribution: log_uniform, low: 0.000001, high: 0.01}"),
    f"\ufeff{PARAMS}",
    f"---\n{PARAMS}",
    PARAMS.replace("\n", "\r\n"),
]


@pytest.mark.parametrize("text", SPELLINGS)
def test_equal_settings_have_equal_bytes(params, text):
    settings = load(params, PARAMS)
    assert canonical(load(params, text)) == canonical(settings)
    assert canonical(load(params, written(settings))) == canonical(settings)


def test_choices_are_normalised(params):
    choices = {
        "optimizer": ("[Adam, SGD]", b'["adam","sgd"]'),
        "weight_init": ("[Xavier, he, 1]", b'["sigmoid","relu",1.0]'),
        "lr": ("[1, 1e-3]", b"[1.0,0.001]"),
        "epochs": ("[1e1]", b"[10]"),
    }
    edits = [
        f"search.space.{name}: {{distribution: choice, options: {old}}}" for name, (old, _) in choices.items()
    ]
    space = load(params, with_values(" & ".join(edits)))["search"]["space"]
    for name, (_, options) in choices.items():
        assert canonical(space[name]) == b'{"distribution":"choice","options":' + options + b"}"


# What is refused. A line that ends in ... goes on in truth; the table refused.txt has the edits of values.

MISSING = "is missing (needed: the name of what is searched, such as book)"
FILES = [
    *((text, f"problem: {MISSING}") for text in ("", "[1, 2]", "{}", "Problem: book")),
    ("problem: book", "data: is missing (needed: problem, data, split, model, ..."),
    (b"\xff\xfed\x00a\x00", "line 1: is not text (allowed: UTF-8 text)"),
    (PARAMS.replace("tr", "tr\xe9").encode("latin-1"), "line 17: is not text (allowed: UTF-8 text)"),
    (PARAMS + "#" * 100_000, "is too long (allowed: 100000 bytes)"),
    (PARAMS + "\x00", "line 48, column 1: a character that text may not contain (allowed: UTF-8 text)"),
    (PARAMS + "# \x07", "line 48, column 3: a character that text may not contain (allowed: UTF-8 text)"),
    ("[" * 99_999, "line 1, column 11: too much for settings (allowed: 10 levels and 2000 values)"),
    ("a: [" + "1, " * 5_000 + "]", "line 1, column 5993: too much for settings (allowed: 10 levels and ..."),
    ("a: &a [*a]", "line 1, column 4: an anchor or alias, a (allowed: values written out)"),
    ("%YAML 1.1\n---\n" + PARAMS, "line 2, column 1: a directive (allowed: plain YAML 1.2)"),
    (PARAMS + "---\na: 1\n", "line 48, column 1: a second document (allowed: one)"),
]
EDITS = [  # old, new: the first such text in PARAMS
    ("problem: book\n", "", f"problem: {MISSING}"),
    ("  seed: 42", "  <<: {seed: 42}", "line 36, column 3: a merge key, << (allowed: values written out)"),
    ("  seed: 42", "  seed:\t42", "line 36, column 8: found character '\\t' that cannot start any token"),
    ("  seed: 42", "\tseed: 42", "line 36, column 1: found character '\\t' that cannot start any token"),
    ("  seed: 42", " seed: 42", "line 36, column 2: expected <block end>, but found '<block mapping start>'"),
    ("seed: 42", "seed: 42\n  seed: 43", 'line 37, column 3: found duplicate key "seed" with value "43" ...'),
    ("seed: 42", "seed: " + "9" * 5000, "line 36, column 9: a value that is too long (allowed: 200 ..."),
    ("sgd", "x" * 300, "line 20, column 14: a value that is too long (allowed: 200 characters)"),
    ("report:", "search:", 'line 46, column 1: found duplicate key "search" with value ...'),
    ("seed: 42", "1: 2\n  seed: 42", "search[1]: is not a key here (allowed: method, trials, batch, ..."),
    ("seed: 42", "~: 2\n  seed: 42", "search[null]: is not a key here (allowed: method, trials, batch, ..."),
    ("seed: 42", "? [a, b]\n  : 2\n  seed: 42", "search[('a', 'b')]: is not a key here (allowed: ..."),
    ("seed: 42", '"a\\nb\\e": 2\n  seed: 42', "search['a\\nb\\x1b']: is not a key here (allowed: ..."),
    (
        "subsample:",
        "subsmaple:",
        "data.subsmaple: is not a key here (allowed: source, subsample; perhaps sub...",
    ),
    ("  trials:", "  n_trials:", "search.n_trials: is not a key here (allowed: method, trials, batch, ..."),
    (
        "report:",
        "plots: {}\nreport:",
        "plots: is not a key here (allowed: problem, data, split, model, training, ...",
    ),
    ("  best: 20", "  {}", "report.best: is missing (needed: best)"),
    ("  epochs: 50", "", "training.epochs: is missing (needed: lr, weight_decay, batch_size, optimizer, ..."),
    ("  batch: 10\n", "", "search.batch: is missing (needed: method, trials, batch, seed, space)"),
    (
        "split:",
        "spilt:",
        "spilt: is not a key here (allowed: problem, data, split, model, training, search, ...",
    ),
]
SECTIONS = re.split(r"^# .*\n", (Path(__file__).parent / "refused.txt").read_text("utf-8"), flags=re.M)[-3:]
NOT_YAML, REFUSED_BY_SCHEMA_TOO, REFUSED_BY_LOAD_ALONE = SECTIONS


def rows(table):
    """The rows of a table, as (content, line)."""
    for row in table.replace("GRID", GRID).strip().splitlines():
        edits, whole, message = re.fullmatch(r"(.*?) ?(=?)=> (.*)", row).groups()
        *_, key = re.findall(r"(?:^| & )([\w.]+):", edits)
        inner = re.match(r"(\.\w+|\[\d\])+: ", message)
        yield with_values(edits), message if whole else f"{key}{message}" if inner else f"{key}: {message}"


BROKEN = [
    *FILES,
    *((edited((old, new)), line) for old, new, line in EDITS),
    *(row for table in SECTIONS for row in rows(table)),
]


def is_line(found, line):
    return found == line or (line.endswith("...") and found.startswith(line.removesuffix("...")))


@pytest.mark.parametrize(("content", "line"), BROKEN, ids=[line for _, line in BROKEN])
def test_wrong_settings_are_one_line(params, content, line):
    found = refusal(params, content)
    assert is_line(found, line), found


@pytest.mark.parametrize("table", [REFUSED_BY_SCHEMA_TOO, REFUSED_BY_LOAD_ALONE], ids=["both", "load"])
def test_what_editors_refuse_by_the_schema(params, table):
    for content, line in rows(table):
        params.write_text(content, encoding="utf-8")
        assert SCHEMA.is_valid(read(params)) is (table == REFUSED_BY_LOAD_ALONE), line


def test_a_message_has_no_line_break_from_the_file_s_name(tmp_path):
    with pytest.raises(SettingsError, match=r"no\\nsuch.yaml: cannot be read: No such file") as error:
        zs.load(tmp_path / "no\nsuch.yaml")
    assert str(error.value).isprintable()


@pytest.mark.parametrize("name", [".", "missing.yaml", "nul\0.yaml"])
def test_what_is_no_file_is_refused(tmp_path, name):
    with pytest.raises(SettingsError, match="cannot be read"):
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
    f"{GRID} & search.trials: 15",
    f"{GRID} & search.space.lr: {{distribution: choice, options: [0.1, 0.01]}}",
    f"{GRID} & search.space.lr: {{distribution: uniform, low: 0, high: 1, points: 5.0}}",
    f"{GRID} & search.space.lr: {{distribution: choice, options: [0.1]}}"
    " & search.space.hidden_depth: {distribution: int_uniform, low: 1, high: 6, points: 6}",
    "search.method: halton",
    "data.subsample: 2 & split.validation_rate: 0.5",
    "data.source: bundled",
    "data.source: mirrors & data.subsample: 5847",
    "search.seed: 9007199254740991 & training.momentum: 0",
    "model.weight_init: 0.01 & training.evaluate_samples: 1",
    "search.space.lr: {distribution: log_uniform, low: 1e-12, high: 1e4}",
    "search.space.lr: {distribution: uniform, low: 0, high: 10}",
    "search.space.lr: {distribution: choice, options: [0.1]}",
    "search.space.batch_size: {distribution: int_uniform, low: 1, high: 8192}",
    "training.optimizer: Nesterov & search.space.momentum: {distribution: uniform, low: 0, high: 1}",
    "training.optimizer: adam & search.space.beta1: {distribution: choice, options: [0.8, 0.9]}",
    "search.space.optimizer: {distribution: choice, options: [sgd, RMSprop]}"
    " & search.space.decay_rate: {distribution: uniform, low: 0.5, high: 1}",
    "search.space.hidden_width: {distribution: int_uniform, low: 1, high: 3}",
    "search.space.hidden_width: {distribution: int_uniform, low: 1, high: 3}"
    " & search.space.hidden_depth: {distribution: choice, options: [2]}",
]


@pytest.mark.parametrize("edits", FINE)
def test_bounds_are_allowed(params, edits):
    assert load(params, with_values(edits))


# Any file at all.


def survives(path, content):
    """Settings, or one line; and settings are as they should be."""
    try:
        settings = load(path, content)
    except SettingsError as error:
        assert str(error).isprintable()
        assert len(str(error)) < len(str(path)) + 500
        return None
    once = canonical(written(settings))
    assert canonical(written(load(path, once))) == once  # one spelling: reading it again changes nothing
    SCHEMA.validate(written(settings))
    assert all(isinstance(note, str) for note in [*notes(settings), *book.notes(settings)])
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
        ["choice", "uniform", "log_uniform", "int_uniform", "Adam", "he", "relu", "float32", "grid", "halton"]
    )
    | st.sampled_from([1e300, 10**400]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=6,
)
RICH = YAML(typ="safe", pure=True).load(with_values("training.lr: 0.02"))
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


@pytest.mark.parametrize(
    ("edit", "line"),
    [
        (("  eta: 2\n", ""), "search.eta: is missing (needed by the method halving: 2 to 100, such as 3)"),
        (
            ("  min_epochs: 10\n", ""),
            "search.min_epochs: is missing (needed by the method halving: 1 or more, such as 2)",
        ),
        (("eta: 2", "eta: 1"), "search.eta: 1 is out of range (allowed: a whole number from 2 to 100)"),
        (
            ("min_epochs: 10", "min_epochs: 50"),
            "search.min_epochs: 50 leaves nothing to stop (allowed: below training.epochs, 50)",
        ),
        (
            ("  space:", "  space:\n    epochs: {distribution: int_uniform, low: 10, high: 90}"),
            "search.space.epochs: plays no part, as halving decides about epochs (allowed: leave it out)",
        ),
    ],
)
def test_what_a_search_needs_that_stops_trials(params, edit, line):
    assert refusal(params, edited(("method: random", "method: halving"), edit)) == line
    if "is missing" in line:
        load(params, edited(edit))  # the other methods do without


def test_a_search_that_stops_trials_needs_epochs():
    search = {"method": "hyperband", "eta": 3, "min_epochs": 1, "epochs": None, "space": {}}
    ((key, text),) = halving({"search": search})
    assert key == ("search", "method")
    assert text == "hyperband needs epochs to save (allowed with a problem that declares epochs)"
