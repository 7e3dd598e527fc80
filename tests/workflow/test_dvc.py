"""DVC alone: what a reader sees with it of two revisions, and experiments that train what they must
(docs/experiments.md)."""

import json
import re
import shutil
import time
from html.parser import HTMLParser

import pandas as pd
import pytest

from tests.browser import Browser

WIDE = ("--set-param", "search.space.lr.high=10.0")
OFTEN = ("--set-param", "replicate.replicates=3")
PLOTS = ("best20", "search", "budget", "confirmed")


@pytest.fixture(scope="module")
def queued(recorded, once):
    """The recorded clone after two experiments by two workers at once: the second has the first's trials."""
    return once("queued", lambda path: queue(recorded.copy(path)))


def queue(clone):
    for name, edit in (("wide", (*WIDE, "rank")), ("often", (*WIDE, *OFTEN))):  # the first without figures
        clone.run("dvc", "exp", "run", "--queue", "--name", name, *edit)
    clone.run("bash", "-c", "dvc queue start --jobs 2 &> /dev/null", ZDL_CORES="1")  # which workers hold open
    deadline = time.monotonic() + clone.timeout
    while (status := clone.run("dvc", "queue", "status")).count("Success") < 2:
        assert time.monotonic() < deadline and "Failed" not in status, status
        time.sleep(5)  # to ask takes a second of processor time
    clone.run("dvc", "queue", "stop")  # its workers would wait for more
    while "Worker status: 0 active, 0 idle" not in (status := clone.run("dvc", "queue", "status")):
        assert time.monotonic() < deadline, status


@pytest.fixture
def clone(queued, tmp_path):
    clone = queued.copy(tmp_path / "zdl")
    clone.trainings()
    return clone


def test_two_workers_train_what_is_new_and_each_of_it_once(recorded, queued):
    trained = queued.logged()
    trials = {name for name in trained if not name.startswith("replicate-")}
    assert len(set(trained)) == len(trained)
    assert 0 < len(trials) < len(recorded.names()) and not trials & recorded.names()
    assert queued.run("git", "status", "--short") == "" and queued.names() == recorded.names()


def test_an_experiment_that_is_applied_or_becomes_a_branch_leaves_nothing_to_do(recorded, clone):
    before = recorded.names()
    clone.run("dvc", "exp", "apply", "often")
    settled(clone)
    assert "high: 10.0" in (clone.path / "params.yaml").read_text()
    assert {path.stem for path in clone.records()} == clone.names() != before
    table = pd.read_csv(clone.path / "reports/confirmed.csv")
    assert (table["repeats"] + table["diverged"] == 3).all()
    clone.run("git", "checkout", "--quiet", ".")
    clone.run("dvc", "checkout")
    settled(clone)
    assert clone.reports() == recorded.reports()

    clone.run("dvc", "exp", "branch", "often", "repeated")
    clone.run("git", "checkout", "--quiet", "repeated")
    clone.run("dvc", "checkout")
    settled(clone)
    assert clone.run("git", "status", "--short") == ""


def settled(clone):
    assert "up to date" in clone.run("dvc", "status")
    said = clone.run("snakemake", "-n")  # DVC does not track the weights, so they may have to be restored
    assert "Nothing to be done" in said or said.splitlines()[-1] == "would run: 1 weights"
    clone.run("snakemake", "--cores", "1")
    assert "Nothing to be done" in clone.run("snakemake", "-n")
    assert clone.trainings() == []


def test_an_experiment_in_the_work_tree_trains_what_is_new(recorded, tmp_path):
    clone = recorded.copy(tmp_path / "zdl")
    clone.run("dvc", "exp", "run", "--name", "wide", *WIDE, "trials")
    assert clone.trained() == sorted(clone.names() - recorded.names()) != []
    assert "up to date" in clone.run("dvc", "status", "trials")
    assert "Nothing to be done" in clone.run("snakemake", "-n", "trials")
    assert "wide" in clone.run("dvc", "exp", "show", "--no-pager", "--only-changed", "--csv")


def test_a_tree_runs_its_own_code_wherever_zdl_is_installed_from(recorded, tmp_path):
    other = recorded.copy(tmp_path / "other")
    with (other.path / "src/zdl/nn/history.py").open("a") as file:
        file.write("\nHits = list\n")
    new = other.names()
    assert not new & recorded.names()
    said = other.run("snakemake", "-n", PYTHONPATH=str(recorded.path / "src"))
    assert re.findall(r"^trial (\S+):", said, re.M) == sorted(new)
    other.run("python", "workflow/scripts/plan.py", PYTHONPATH=str(recorded.path / "src"))
    (plan,) = (other.path / "results/plan").iterdir()
    assert all(name in plan.read_text() for name in new)


def test_metrics_and_params_say_what_an_experiment_changed(recorded, queued):
    told = json.loads(queued.run("dvc", "metrics", "diff", "master", "often", "--json"))
    changed = told["reports/metrics.json"]
    assert changed["confirmed.repeats"] == {"old": 2, "new": 3, "diff": 1}
    old = json.loads(recorded.reports()["metrics.json"])["confirmed"]["val_mean"]
    assert "confirmed.val_mean" not in changed or changed["confirmed.val_mean"]["old"] == old
    told = json.loads(queued.run("dvc", "params", "diff", "master", "often", "--json"))
    edits = {name: (values["old"], values["new"]) for name, values in told["params.yaml"].items()}
    assert edits == {"replicate.replicates": (2, 3), "search.space.lr.high": (0.01, 10.0)}


def test_a_list_of_experiments_says_what_each_changed_and_how_it_scored(recorded, clone):
    many = (
        "search.trials=8",
        "training.epochs=3",
        "split.seed=3",
        "model.hidden_width=9",
        "report.best=2",
    )
    clone.run("dvc", "exp", "run", "--queue", "--name", "m" * 40, *(f"--set-param={each}" for each in many))
    head, commit, *rows = clone.run("python", "workflow/scripts/experiments.py").splitlines()
    assert head.split()[0] == "experiment" and commit.endswith("(the commit)")
    assert max(map(len, rows)) <= 100 and len(rows) > 3
    often, wide = (next(row for row in rows if row.split()[0] == name) for name in ("often", "wide"))
    score = json.loads(recorded.reports()["metrics.json"])["best"]["val_acc"]
    assert commit.split()[1] == f"{score:.2f}" and wide.endswith(" search.space.lr.high 0.01 → 10")
    assert " ".join(row.strip() for row in rows).count("replicate.replicates 2 → 3") == 1
    assert often.split()[1] == wide.split()[1]
    assert any(row.startswith(f"  {'m' * 23}… ") and " queued," in row for row in rows)
    assert "model.hidden_width 8 → 9," in " ".join(" ".join(rows).split())


def test_a_list_of_experiments_without_git_is_one_line(fresh, tmp_path):
    clone = fresh.copy(tmp_path / "zdl")
    shutil.rmtree(clone.path / ".git")
    said = clone.run("python", "workflow/scripts/experiments.py", ok=False)
    assert said.count("\n") == 1 and "is not a Git repository, and make experiments needs one" in said


class Page(HTMLParser):
    """What a page would fetch, its policy, and the plots in its scripts."""

    def __init__(self, path):
        super().__init__()
        self.fetched, self.policy, self.scripts, self.inside = [], "", [], False
        self.feed(path.read_text("utf-8"))
        found = (re.search(r"var spec = (\{.*\});\s*vegaEmbed", text, re.S) for text in self.scripts)
        self.specs = [json.loads(match[1]) for match in found if match]

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.fetched += [value for name, value in attrs if name in ("src", "href", "srcset", "data")]
        self.inside = tag == "script"
        if attributes.get("http-equiv") == "Content-Security-Policy":
            self.policy = attributes["content"]

    def handle_endtag(self, tag):
        self.inside = False

    def handle_data(self, data):
        if self.inside:
            self.scripts.append(data)


def test_plots_of_two_revisions_open_without_a_network(clone):
    clone.run("dvc", "exp", "branch", "wide", "widened")  # by name, as a pull request's branch
    clone.run("dvc", "plots", "diff", "master", "widened")
    page = Page(clone.path / "dvc_plots/index.html")
    assert page.fetched == []
    assert page.policy.startswith("default-src 'none';") and "http" not in page.policy
    assert len([text for text in page.scripts if len(text) > 50_000]) == 3  # Vega, Vega-Lite, Vega-Embed
    assert len(page.specs) == len(PLOTS)
    for spec in page.specs:
        assert "vega-lite/v5" in spec["$schema"] and "<DVC_METRIC" not in json.dumps(spec)
        assert {row["rev"] for row in spec["data"]["values"]} == {"master", "widened"}
    drawn = {next(name for name in PLOTS if said(spec, name)): spec for spec in page.specs}
    assert drawn["search"]["encoding"]["x"]["scale"]["type"] == "log"
    assert drawn["best20"]["facet"]["field"] == "rank"


def said(spec, name):
    """Whether a plot is the one of that name."""
    column = {"best20": "epoch", "search": "result", "budget": "expected", "confirmed": "held_out"}[name]
    return column in spec["data"]["values"][0]


def test_a_browser_draws_every_plot(clone, tmp_path):
    # of a search without lr, by a method that has no budget to expect of, and of which nothing was confirmed
    for name, drop in (("ranking", ["lr"]), ("budget", ["expected", "low", "high"])):
        path = clone.path / f"reports/{name}.csv"
        table = pd.read_csv(path).drop(columns=drop)
        table.assign(best=0.5).to_csv(path, index=False)
    path = clone.path / "reports/confirmed.csv"
    path.write_text(path.read_text().partition("\n")[0] + "\n")
    clone.run("dvc", "plots", "diff", "HEAD")
    with Browser(clone.path / "dvc_plots/index.html", tmp_path / "profile") as browser:
        browser.until(f"document.querySelectorAll('canvas.marks, svg.marks').length == {len(PLOTS)}")
        assert "Error" not in browser.run("document.body.innerText")
        assert browser.errors == [] and len(browser.requests) == 1
