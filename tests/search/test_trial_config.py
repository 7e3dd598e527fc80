"""What trials train with, and what is noted about settings before they run."""

import copy

import jsonschema
import pytest
from hypothesis import assume, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from tests.config.test_settings import BOOK, GRID, PARAMS, RICH, is_line, load, survives, with_values
from zdl.config.hyperparameters import Hyperparameter
from zdl.config.schema import schema
from zdl.config.space import resolve
from zdl.nn.optimizers import OPTIMIZERS, hyperparameters
from zdl.problems import book
from zdl.problems.book import HYPERPARAMETERS
from zdl.search.plan import notes
from zdl.search.samplers import sampler

SCHEMA = schema(BOOK)
SEARCHED = {name: each for name, each in HYPERPARAMETERS.items() if isinstance(each, Hyperparameter)}


@pytest.fixture(scope="module")
def params(tmp_path_factory):
    return tmp_path_factory.mktemp("settings") / "params.yaml"


def all_notes(settings):
    """Those on the search, and those of the problem."""
    return [*notes(settings), *book.notes(settings)]


RANGE = "{distribution: int_uniform, low: 9, high: 500}"


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        ("search.trials: 19", "report.best: 20 are to be shown, but search.trials is 19"),
        (GRID, "report.best: 20 are to be shown, but the grid has 15"),
        (
            "search.method: bayes & search.batch: 100",
            "search.batch: the first 100 trials are drawn at random, and there are no more: ...",
        ),
        ("training.batch_size: 401", "batch_size: above 400, the training images, an epoch is one update"),
        (f"search.space.batch_size: {RANGE}", "batch_size: above 400, the training images, an epoch is ..."),
        ("search.space.batch_size: {distribution: choice, options: [401, 9]}", "batch_size: above 400, ..."),
        ("training.dtype: float32", "training.dtype: float32 curves can differ by a few images between CPUs"),
    ],
)
def test_notes(params, edits, expected):
    (note,) = all_notes(load(params, with_values(edits)))
    assert is_line(note, expected)


@pytest.mark.parametrize("edit", ["training.batch_size: 400", "search.trials: 20"])
def test_just_enough_needs_no_note(params, edit):
    assert all_notes(load(params, with_values(edit))) == []


# What one trial trains with.


def test_resolve_of_a_plain_trial(params):
    settings = load(params, PARAMS)
    assert resolve(settings, {"lr": 0.5, "weight_decay": 1e-5}) == {
        "hidden_width": 100,
        "hidden_depth": 6,
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


def value_of(name):
    """A strategy for valid values of a hyper-parameter, in their one spelling."""
    declared = HYPERPARAMETERS[name]
    names = st.sampled_from(sorted(set(declared.names) - set(declared.aliases)))
    if declared.number is None:
        return names
    low, high = declared.bounds.get("ge", 1e-9), declared.bounds.get("le", declared.bounds.get("lt", 100))
    if declared.number is int:
        return st.integers(low, high)
    numbers = st.floats(low, high, exclude_max=True)
    return names | numbers if declared.names else numbers


def range_of(name, kind):
    number = (st.integers if kind == "int_uniform" else st.floats)(*SEARCHED[name].sampling[kind])
    ends = st.lists(number, min_size=2, max_size=2, unique=True).map(sorted)
    return ends.map(lambda ends: {"distribution": kind, "low": ends[0], "high": ends[1]})


NUMERIC = [(name, kind) for name, each in SEARCHED.items() for kind in each.sampling]
ranges = st.sampled_from(NUMERIC).flatmap(lambda each: st.tuples(st.just(each[0]), range_of(*each)))


def spec_of(name):
    options = st.lists(value_of(name), min_size=1, max_size=4, unique=True)
    choice = options.map(lambda chosen: {"distribution": "choice", "options": chosen})
    return st.one_of(choice, *(range_of(name, kind) for kind in SEARCHED[name].sampling))


@effort(max_examples=25, deadline=None)
@given(
    space=st.lists(
        st.sampled_from(sorted(set(SEARCHED) - {"optimizer"})), min_size=1, max_size=4, unique=True
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
        config = resolve(settings, point)
        terms = set(config) & {"lr", "momentum", "decay_rate", "beta1", "beta2"}
        assert terms == set(hyperparameters(config["optimizer"]))
        for name, value in config.items():
            jsonschema.validate(value, SCHEMA["$defs"][name])
            assert value == point.get(name, value)
