"""Problems by name: zdl's and the user's own; and whatever is wrong with one is one line."""

import importlib
import json
import sys

import pytest

from zdl import Error
from zdl.artifacts import fingerprint
from zdl.config import problem, settings
from zdl.config.checks import MOST_OF_HALTON
from zdl.config.messages import SettingsError
from zdl.config.problem import Problem
from zdl.config.reading import normalise
from zdl.search.samplers.halton import PRIMES

WHOLE = """
from zdl.problems import Hyperparameter, Setting, choice, real, whole

HYPERPARAMETERS = {"lr": real(0, 1)}

def load(data, files): ...
def train(config, split, rng, say): ...
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A function that writes a module of the user's own, and gives the problem of that name."""
    (tmp_path / "problems").mkdir()
    for module in (problem, fingerprint):
        monkeypatch.setattr(module, "OWN", tmp_path / "problems")
    monkeypatch.setattr(sys, "path", [*sys.path])

    def own(text, name="tested", path="problems/{}.py"):
        file = tmp_path / path.format(name)
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
        importlib.invalidate_caches()
        return Problem.named(name)

    yield own
    for name in [name for name in sys.modules if name.split(".")[0] == "problems"]:
        del sys.modules[name]


def test_a_module_or_a_package_is_a_problem(own):
    first = own(WHOLE)
    assert first.name == "tested" and first.module.__name__ == "problems.tested"
    assert first.function("train") == "problems.tested:train" and first.function("prepare") is None
    assert first.hyperparameters["lr"].title == ("Lr", "Lr") and first.data == {}
    assert own(WHOLE, "table", "problems/{}/__init__.py").module.__name__ == "problems.table"


@pytest.mark.parametrize(
    ("score", "text"),
    [
        ('"balanced_acuracy"', "'balanced_acuracy' is none of scikit-learn's scorers .* balanced_accuracy"),
        ('"v_measure_score"', "'v_measure_score' is none of"),
        ("len", "<built-in function len> is none of"),
    ],
)
def test_a_score_that_is_none_is_refused_before_anything_runs(own, score, text):
    with pytest.raises(Error, match=f"^problems.tested: SCORE: {text}"):
        own(f"{WHOLE}\nSCORE = {score}\n")


def test_a_problem_is_scored_by_accuracy_or_by_the_scorer_that_it_names(own):
    assert own(WHOLE).score.counts
    assert own(f'{WHOLE}\nSCORE = "r2"\n', "numbers").score.regression


def test_the_user_s_own_problem_comes_before_zdl_s(own):
    assert Problem.named("book").module.__name__ == "zdl.problems.book"
    assert own(WHOLE, "book").module.__name__ == "problems.book"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("yours", "'yours'"),
        ("../tested", "'../tested'"),
        ("__init__", "'__init__'"),
        ("my-notes", "'my-notes'"),
        (None, "null"),
        (["tested"] * 99, f"{str(['tested'] * 99)[:57]}..."),
    ],
)
def test_a_name_of_no_problem(own, tmp_path, name, shown):
    own(WHOLE)
    (tmp_path / "problems/my-notes.py").touch()
    with pytest.raises(Error) as error:
        Problem.named(name)
    assert str(error.value) == f"problem: {shown} is not one of these (allowed: book, tested)"


BROKEN = {
    "def load(:": "problems/tested.py: cannot be imported (SyntaxError: invalid syntax (tested.py, line 1))",
    "import no_such_library": "problems/tested.py: line 1: cannot be imported (ModuleNotFoundError: No "
    "module named 'no_such_library')",
    "from zdl.problems import no_such": "problems/tested.py: line 1: cannot be imported (ImportError: cannot "
    "import name 'no_such' from 'zdl.problems' (...",
    "from zdl import Error; raise Error('no data: see the README')": "no data: see the README",
    WHOLE.replace("HYPERPARAMETERS", "PARAMETERS"): "problems.tested: has no HYPERPARAMETERS (needed: "
    "HYPERPARAMETERS, load, train)",
    WHOLE.replace(
        "def load", "def read"
    ): "problems.tested: has no load (needed: HYPERPARAMETERS, load, train)",
    f"{WHOLE}train = 'sgd'": "problems.tested: train: is not a function of (config, split, rng, say)",
    f"{WHOLE}def load(data): ...": "problems.tested: load: is not a function of (data, files)",
    f"{WHOLE}def words(): ...": "problems.tested: words: is not a function of (settings)",
    f"{WHOLE}DATA = ['file']": "problems.tested: DATA: ['file'] is not a mapping (needed: a Setting by "
    "each name)",
    f"{WHOLE}DATA = {{'file': 'a.csv'}}": "problems.tested: DATA: file: is not a declared setting (needed: "
    "a name of small letters, and real, whole, choice)",
}


def lines(problem):
    """What is said of a problem, with ... for the path of this repository."""
    with pytest.raises(Error) as error:
        problem()
    line = str(error.value)
    assert line.isprintable() and len(line) < 400
    return line


@pytest.mark.parametrize(("text", "line"), BROKEN.items(), ids=[line[:60] for line in BROKEN.values()])
def test_a_module_that_is_no_problem_is_one_line(own, text, line):
    found = lines(lambda: own(text))
    assert found == line or (line.endswith("...") and found.startswith(line[:-3]))


NAMED = "is not a declared setting (needed: a name of small letters, and real, whole, choice)"
DECLARED = {  # wrong declarations
    "None": "null is not a mapping (needed: a Setting by each name)",
    "{'lr': 0.1}": f"lr: {NAMED}",
    "{'Lr': real(0, 1)}": f"Lr: {NAMED}",
    "{'learning rate': real(0, 1)}": f"learning rate: {NAMED}",
    "{1: real(0, 1)}": f"1: {NAMED}",
    "{'lr': real(0, 1, section='net')}": "lr: section: 'net' is not one of these (allowed: model, training)",
    "{'kind': choice()}": "kind: has no values (needed: names, or a number)",
    "{'lr': real(1, 0)}": "lr: 1 to 0 is not a range (uniform needs: low < high)",
    "{'lr': real(0, 1, log=True)}": "lr: 0 to 1 is not a range (log_uniform needs: 0 < low < high)",
    "{'depth': whole(0.5, 4)}": "depth: 0.5 to 4 is not a range (int_uniform needs: whole numbers)",
    "{'lr': Hyperparameter(('', ''), ('', ''), number=float, sampling={'normal': (0, 1)})}": "lr: normal is "
    "not one of these (allowed: log_uniform, uniform)",
    "{'beta': real(0, 1, when={'kind': ['a']}), 'kind': choice('a')}": "beta: when: kind is not an earlier "
    "choice (allowed: none)",
    "{'kind': choice('a'), 'lr': real(0, 1), 'beta': real(0, 1, when={'lr': [1]})}": "beta: when: lr is not "
    "an earlier choice (allowed: kind)",
    "{'kind': choice('a', 'b'), 'beta': real(0, 1, when={'kind': ['a', 'c']})}": "beta: when: kind: 'c' is "
    "not one of these (allowed: a, b)",
}


@pytest.mark.parametrize(("declared", "line"), DECLARED.items(), ids=list(DECLARED))
def test_a_wrong_declaration_is_one_line(own, declared, line):
    text = f"{WHOLE}HYPERPARAMETERS = {declared}"
    assert lines(lambda: own(text)) == f"problems.tested: HYPERPARAMETERS: {line}"


@pytest.fixture
def many(own, tmp_path):
    """A function that loads settings that search so many hyper-parameters by a method."""
    own(f"{WHOLE}HYPERPARAMETERS = {{f'gain{{k}}': real(0, 1) for k in range({MOST_OF_HALTON + 1})}}")

    def many(method, n):
        names = [f"gain{k}" for k in range(MOST_OF_HALTON + 1)]
        space = {name: {"distribution": "uniform", "low": 0, "high": 1} for name in names[:n]}
        contents = {
            "problem": "tested",
            "data": {},
            "split": {"validation_rate": 0.2, "seed": 1},
            "training": dict.fromkeys(names, 0.5),
            "search": {"method": method, "trials": 9, "batch": 3, "seed": 42, "space": space},
            "replicate": {"trials": 1, "replicates": 1, "seed": 7},
            "report": {"best": 1},
        }
        path = tmp_path / "params.yaml"
        path.write_text(json.dumps(contents), encoding="utf-8")
        return settings.load(path)

    return many


def test_halton_has_a_base_for_so_many_hyper_parameters_and_no_more(many):
    assert len(set(PRIMES)) == MOST_OF_HALTON == len(many("halton", MOST_OF_HALTON)["search"]["space"])
    assert many("random", MOST_OF_HALTON + 1)["data"] == {}
    with pytest.raises(
        SettingsError, match=r"params\.yaml: search\.space: has 21 \(allowed: with halton, up to 20\)$"
    ):
        many("halton", MOST_OF_HALTON + 1)


def test_a_setting_of_a_problem_may_be_called_like_one_of_the_search(own):
    declared = own(f"{WHOLE}HYPERPARAMETERS = {{'seed': real(0, 9), 'trials': real(0, 9)}}").hyperparameters
    raw = {"training": {"seed": 1, "trials": 2}, "search": {"seed": 3, "space": {"seed": {"low": 4}}}}
    values = normalise({**raw, "split": {"seed": 5}}, declared)
    assert [type(values[part]["seed"]) for part in ("training", "search", "split")] == [float, int, int]
    assert type(values["search"]["space"]["seed"]["low"]) is float
