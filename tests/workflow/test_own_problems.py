"""Problems of one's own: what the guide says, the examples, and that both engines notice an edit of data."""

import os
import re
import shutil
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pytest
from ruamel.yaml import YAML

from tests.engines import ROOT, Clone
from tests.guides import blocks

EXAMPLES = sorted(path.parent for path in (ROOT / "examples").glob("*/params.yaml"))
GUIDES = [ROOT / "docs/your-own-problem.md", ROOT / "docs/your-own-problem.ja.md"]
SMALL = {
    "training": {"epochs": 2},
    "search": {"trials": 3},
    "replicate": {"trials": 1, "replicates": 1},
    "report": {"best": 2},
}
CELL = "5.1,3.5,1.4,0.2,setosa"


@pytest.fixture(scope="session")
def mine(fresh, once) -> Clone:
    """A clone with a problem of its own, that `make new` began, searched and recorded by DVC, committed."""
    return once("mine", lambda path: begin(fresh.copy(path)))


def begin(clone: Clone) -> None:
    make = ("make", "--old-file=.venv/ready")  # the environment is that of the tests
    makefile = clone.path / "Makefile"
    makefile.write_text(makefile.read_text().replace("PYTHONDONTWRITEBYTECODE PYTHONPATH", ""))
    for path in clone.path.glob("problems/mine*"):  # somebody followed the guide
        path.unlink()
    clone.commit()
    assert "problems/mine.csv: written" in clone.run(*make, "new", "NAME=mine")
    assert ": is there already" in clone.run(*make, "new", "NAME=mine", ok=False)
    assert "is not a name of a module" in clone.run(*make, "new", "NAME=My-own", ok=False)
    clone.commit()
    clone.edit(**SMALL)
    assert "params.yaml: has edits" in clone.run(*make, "new", "NAME=other", ok=False)
    clone.commit()
    clone.engine("dvc")
    clone.commit()
    clone.trainings()


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


def test_a_changed_cell_trains_again_and_fails_the_check(mine, tmp_path):
    clone = mine.copy(tmp_path / "zdl")
    assert "Nothing to be done" in clone.run("snakemake", "-n")
    assert "up to date" in clone.run("dvc", "status")
    clone.run("python", "workflow/scripts/check.py")
    edit(clone.path / "problems/mine.csv", CELL, CELL.replace("5.1", "5.2"))
    assert "3 trials: 0 from the cache, 3 to train" in clone.run("snakemake", "-n")
    assert re.search(r"download:\n.*problems", clone.run("dvc", "status"), re.S)
    assert "problems/mine.csv: was edited" in clone.run("python", "workflow/scripts/check.py", ok=False)
    clone.engine("snakemake", "trials")
    assert len(clone.trained()) == 3
    edit(clone.path / "problems/mine.csv", CELL.replace("5.1", "5.2"), CELL)
    clone.engine("dvc")
    assert clone.trainings() == []
    assert clone.run("git", "status", "--short") == ""


def test_an_edit_of_the_problem_trains_what_depends_on_it(mine, tmp_path):
    clone = mine.copy(tmp_path / "zdl")
    path = clone.path / "problems/mine.py"
    edit(path, "# plays no part under adam", "# not under adam")
    edit(path, 'title="Learning rate"', 'title="Step size"')
    assert "train" not in clone.run("snakemake", "-n")
    edit(path, "range(config", "range(1 + config")  # of the training
    assert "3 to train" in clone.run("snakemake", "-n")
    edit(path, "range(1 + config", "range(config")
    edit(path, 'seed=data["seed"]', 'seed=data["seed"] + 1')  # of the data
    assert "3 to train" in clone.run("snakemake", "-n")
    clone.engine("dvc", "trials")
    assert len(clone.trained()) == 3


def test_all_methods_search_it_and_its_page_has_its_own_words(mine, tmp_path):
    clone = mine.copy(tmp_path / "zdl")
    for method in ("grid", "halton", "bayes"):
        space = YAML(typ="safe").load((clone.path / "params.yaml").read_text())["search"]["space"]
        space["lr"]["points"] = space["width"]["points"] = 2
        if method != "grid":
            for spec in space.values():
                spec.pop("points", None)
        trials = 8 if method == "grid" else 4
        clone.edit(search={"method": method, "trials": trials, "batch": 2, "space": space})
        clone.engine("snakemake", "trials")
        first = 2 if method == "bayes" else 0  # its first round is that of the random search
        assert len(clone.trained()) == trials - first
    page = (mine.path / "reports/README.md").read_text()
    assert "150" not in page and "105 rows of the problem mine" in page
    assert "setosa" in page and not re.search(r"\b(image|digit|network|MNIST|None)s?\b", page)


CLASSES = 'table.drop(columns="class"), table["class"]'
HITS = "hits(split.x_{0}, split.t_{0})"
BY_SCORE = {  # the edits that the guide describes
    "import History": "import ScoreHistory",
    "History(len(split.t_train), len(split.t_val), say)": "ScoreHistory(SCORE, split, say)",
    HITS.format("train"): "predict(split.x_train)",
    f"{HITS.format('val')})\n    history": "predict(split.x_val))\n    history",
    HITS.format("val"): "predict(split.x_val)",
}
OF_REGRESSION = {
    CLASSES: 'table.drop(columns=["class", "petal_width"]), 10 * table["petal_width"]',
    "columns=list(x.columns)": "columns=list(x.columns), regression=True",
    "import MLPClassifier": "import MLPRegressor",
    "MLPClassifier(\n        (config": "MLPRegressor(\n        hidden_layer_sizes=(config",
    "network.predict_proba(": "network.predict(",
    ", classes=classes)": ")",
}


@pytest.mark.parametrize("score", ["balanced_accuracy", "neg_mean_absolute_error"])
def test_a_problem_may_name_another_score(score, mine, tmp_path):
    clone, regression = mine.copy(tmp_path / "zdl"), score.startswith("neg")
    module = clone.path / "problems/mine.py"
    edit(module, "FILE = ", f'SCORE = "{score}"\nFILE = ')
    for old, new in (BY_SCORE | (OF_REGRESSION if regression else {})).items():
        edit(module, old, new)
    method = {"method": "halving", "eta": 2, "min_epochs": 1} if regression else {}
    clone.edit(search={"trials": 8, **method}, replicate={"trials": 2, "replicates": 2})
    clone.engine("snakemake")
    assert len(clone.trained()) == (8 + 4 if regression else 8)  # the best 4 for another epoch
    made = clone.reports()
    if not regression:
        clone.engine("dvc")
        assert clone.trainings() == [] and "up to date" in clone.run("dvc", "status")
        assert clone.reports() == made
        clone.run("python", "workflow/scripts/check.py")
    english, japanese = (flat(made[name].decode()) for name in ("README.md", "README.ja.md"))
    title = score.replace("neg", "negative").replace("_", " ")
    assert f"scikit-learn's `{score}`" in english and f"検証データ31件での{title}は" in japanese
    assert "is the bootstrap's" in english and "McNemar's test hold for accuracy only" in english
    assert not re.search(r"None|\bnan\b|accuracy \d|identifies \d|image|digit|recognis", english)
    ranking = pd.read_csv(clone.path / "reports/ranking.csv")
    assert (ranking["val_acc"].dropna() < 0).all() == regression and ranking["val_acc"].notna().any()
    assert ("ridge" in english, "largest errors" in english) == (regression, regression)
    clone.commit()
    clone.run("python", "workflow/scripts/review.py", "HEAD~1")
    assert "Scores cannot be compared" in (clone.path / "review/review.md").read_text()
    clone.run("python", "workflow/scripts/explore.py")
    assert f"val {title}:" in clone.run("python", "workflow/scripts/best.py", "1")


def flat(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda folder: folder.name)
def test_an_example_trains(folder, fresh, tmp_path, monkeypatch):
    if folder.name == "torch_csv" and not find_spec("torch"):
        pytest.skip("torch_csv: PyTorch is not installed (`pip install torch`)")
    (module,) = folder.glob("*.py")
    assert len(module.read_text().splitlines()) < 80
    clone = fresh.copy(tmp_path / "zdl")
    for path in filter(Path.is_file, folder.iterdir()):  # no bytecode
        place = "" if path.name == "params.yaml" else "problems"
        shutil.copy2(path, clone.path / place / path.name)
    said = clone.run("python", "-c", TRAIN)
    assert re.fullmatch(r"finished \d+ of \d+, probabilities\n", said.splitlines(keepends=True)[-1])


TRAIN = """
import numpy as np
from zdl.artifacts.artifact import function
from zdl.artifacts.encoding import decode_npz
from zdl.artifacts.io import read
from zdl.pipeline import steps
from zdl.pipeline.paths import Paths
from zdl.search.trial import training
paths = Paths.of()
for step in (steps.download, steps.prepare, steps.split):
    step(paths, lambda line: None)
trial = paths.first[0]
trial.spec["config"] |= {name: 2 for name in ("epochs", "rounds") if name in trial.spec["config"]}
ends = []
for _ in range(2):
    history, predictor = training(trial.spec, decode_npz(read(paths.split)), function(paths.train))
    ends.append((history.train_correct, history.val_correct, history.loss))
assert ends[0] == ends[1]
x = decode_npz(read(paths.held_out))["x"]
shares = predictor(x)
assert np.allclose(shares.sum(axis=1), 1) and len(shares) == len(x)
print(history.status, history.val_correct[-1], "of", f"{history.val_size}, probabilities")
"""


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.name)
def test_the_guide_is_short_and_its_commands_are_those_that_are_tested(guide):
    text = guide.read_text()
    assert len(text.splitlines()) < 150
    played = [
        command for language, block in blocks(text) if language == "console" for command in block.splitlines()
    ]
    assert played == [
        "$ make new NAME=mine",
        "$ make run",
        f"$ sed -i 's/^{CELL}/{CELL.replace('5.1', '5.2')}/' problems/mine.csv",
        "$ snakemake -n",
        "$ git checkout problems/mine.csv",
    ]
    assert set(re.findall(r"^\| `(\w+)` \| [^|]*\|$", text, re.M)) >= {folder.name for folder in EXAMPLES} - {
        "skeleton"
    }


def test_a_librarys_version_is_in_the_names_of_trials_that_import_it(mine, tmp_path):
    clone, names = mine.copy(tmp_path / "zdl"), {}
    module = clone.path / "problems/mine.py"
    edit(module, "    from sklearn.neural_network", "    import tinylib\n\n    from sklearn.neural_network")
    assert "tinylib: is imported, but not installed" in clone.run("snakemake", "-n", ok=False)
    for version in ("1.0", "1.1"):
        site = tmp_path / version
        (site / f"tinylib-{version}.dist-info").mkdir(parents=True)
        (site / "tinylib.py").touch()
        (site / f"tinylib-{version}.dist-info/METADATA").write_text(f"Name: tinylib\nVersion: {version}\n")
        (site / f"tinylib-{version}.dist-info/top_level.txt").write_text("tinylib\n")
        code = "from zdl.pipeline.paths import Paths; p = Paths.of(); print(p.raw.path, *p.names)"
        path = os.pathsep.join([str(clone.path / "src"), str(site)])
        names[version] = clone.run("python", "-c", code, PYTHONPATH=path).split()
    (raw, *old), (same_raw, *new) = names.values()
    assert raw == same_raw and not {*old} & {*new}
