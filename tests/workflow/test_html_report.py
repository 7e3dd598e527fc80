"""`make report`: one HTML file with every result in it, each with a caption, and no need of a network."""

import json
import re
from collections import defaultdict
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import pytest
from jinja2 import Template

from tests.engines import PARAMS, ROOT, Clone, tree
from zdl.config.settings import load
from zdl.pipeline.paths import PUBLISHED, Paths

(RECIPE,) = re.findall(r"^report: .*\n((?:\t@.+\n)+)", (ROOT / "Makefile").read_text(), re.M)
COMMAND = ["bash", "-euc", RECIPE.replace("\t@", "")]
LOADING = {
    "src",
    "srcset",
    "href",
    "data",
    "poster",
    "action",
}  # attributes that make a browser ask for a file


class Tags(HTMLParser):
    """What a browser would load of the page, and the data that the page's scripts hold, by their ids."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.loaded, self.held, self.id = [], {}, None
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.id = dict(attrs).get("id") if tag == "script" else None
        self.loaded += [value for name, value in attrs if name in LOADING]

    def handle_data(self, data):
        if found := re.match(r"\s*var \w+ = ([\[{\"].*);\s*$", data, re.S) if self.id else None:
            self.held[self.id] = found[1]


@pytest.fixture(scope="module")
def clone(searched, once) -> Clone:
    """A tiny search after Snakemake, and its report."""
    return once("html", lambda path: searched.copy(path).run(*COMMAND))


@pytest.fixture(scope="module")
def page(clone) -> Tags:
    return Tags((clone.path / "report.html").read_text())


def test_the_page_asks_for_no_file(page, clone):
    assert page.loaded == []
    text = (clone.path / "report.html").read_text()
    assert not re.search(r"@import|url\(['\"]?https?:", text)
    assert len(text) < 5e6


def test_every_result_has_a_caption_and_stands_in_a_numbered_part(page):
    results, parts = (json.loads(page.held[name]) for name in ("results", "categories"))
    assert set(results) == {str(path) for path in PUBLISHED}
    for path, result in results.items():
        words = re.sub("<[^>]+>", "", result["caption"])
        assert len(words) > 20, path
        assert "System Message" not in words, path  # where docutils did not understand
        assert all(result["labels"].values()), path
        assert result["data_uri"].startswith("data:"), path
    assert all(re.match(r"\d \w", part) for part in parts)  # Snakemake sorts them by name


def test_whatever_snakemake_turns_into_a_switch_can_be_switched(page):
    """Of a label with two values, each that of half the files of a part, Snakemake makes a switch; its page
    breaks where a row then lacks one of the two."""
    results = json.loads(page.held["results"])
    for part in json.loads(page.held["categories"]).values():
        paths = [path for paths in part.values() for path in paths]
        kinds = defaultdict(set)
        for path in paths:
            kinds[results[path]["labels"]["shows"]].add(results[path]["labels"]["as"])
        values = [results[path]["labels"]["as"] for path in paths]
        if len(set(values)) == 2 and len({values.count(value) for value in values}) == 1:
            assert all(len(each) == 2 for each in kinds.values()), part


def test_the_first_page_says_what_the_search_found(page, clone):
    metrics = json.loads((clone.path / "reports/metrics.json").read_text())
    first = json.loads(page.held["workflow-desc"])
    assert "System Message" not in first
    assert f"Trial {metrics['best']['trial']} scores highest of 6" in first
    assert str(metrics["best"]["val_acc"]) in first


@pytest.mark.parametrize(
    ("trials", "finished", "images", "tied", "sentence"),
    [
        (
            6,
            6,
            20,
            0,
            "Trial 3 scores highest of 6: its validation accuracy is 0.75, counted on 20 validation images.",
        ),
        (
            6,
            5,
            1,
            1,
            "6, tied with 1 other: its validation accuracy is 0.75, counted on 1 validation image.",
        ),
        (6, 5, 20, 2, "highest of 6, tied with 2 others: its"),
        (4, 1, 20, 0, "Trial 3 is the only one of 4 that finished: its"),
        (1, 1, 20, 0, "Trial 3 is the only one: its"),
    ],
)
def test_the_first_page_says_with_how_many_the_best_ties(trials, finished, images, tied, sentence):
    counts = {"trials": trials, "finished": finished, "val_images": images, "diverged": 0, "above_half": 1}
    metrics = {"best": {"trial": 3, "val_acc": 0.75}, "search": counts, "confirmed": {"val_mean": None}}
    settings = {"search": {"method": "random"}, "data": {"subsample": 500}}
    paths = Paths(load(PARAMS))
    names = {
        "paths": SimpleNamespace(settings=settings, words=paths.words, problem=paths.problem),
        "metrics": lambda: metrics,
        "ties": lambda: tied,
    }
    files = [SimpleNamespace(workflow=SimpleNamespace(globals=names))]
    template = Template((ROOT / "workflow/report/workflow.rst").read_text())
    assert sentence in " ".join(template.render(files=files).split())


def test_a_job_that_took_no_time_has_its_place_among_the_times(page):
    """On Snakemake's own logarithmic scale one of them crowds all the others at the edge."""
    x = json.loads(page.held["runtimes"])["encoding"]["x"]
    assert x["scale"] == {"type": "linear"}


def test_the_graph_leads_from_the_images_to_each_trial(page):
    """Though a record that is there asks for nothing."""
    edges = re.findall(r'"sourcerule": "(\w+)", "targetrule": "(\w+)"', page.held["rulegraph"])
    assert {source for source, target in edges if target == "trial"} == {"plan", "split"}


def test_it_changes_nothing_and_nobody_tracks_it(clone):
    assert "Nothing to be done" in clone.engine("snakemake")
    assert "report.html" not in clone.run("git", "status", "--porcelain", "--untracked-files=all")
    assert "report.html" not in (clone.path / "dvc.yaml").read_text()


def test_every_caption_is_of_a_file_and_every_file_has_one():
    """Also of files that are not there yet: a result is listed in one place, and its caption lies beside."""
    listed = re.findall(r'^    "(\S+)": \(', (ROOT / "workflow/rules/captions.smk").read_text(), re.M)
    captions = {path.name.removesuffix(".rst") for path in (ROOT / "workflow/report").glob("*.rst")}
    assert captions == {*listed, "workflow"}
    assert {path.stem for path in map(Path, PUBLISHED)} <= set(listed)


def test_without_snakemakes_own_notes_it_is_made_and_says_once_what_it_lacks(clone, tmp_path):
    """In a pulled clone, or after `dvc repro`. And it leaves all other files as they are."""
    pulled = clone.copy(tmp_path / "pulled")
    pulled.run("rm", "-rf", ".snakemake", "report.html")
    before = tree(pulled.path)
    said = pulled.run(*COMMAND)
    report = pulled.path / "report.html"
    assert report.stat().st_size > 1e6 and tree(pulled.path).keys() - before.keys() == {report}
    assert {path: file for path, file in tree(pulled.path).items() if path != report} == before
    assert said.count("Missing metadata") == said.count("more like this") + 1 == 2
    assert len(said.splitlines()) < 6
