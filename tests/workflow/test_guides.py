"""README.md and docs/: commands work and print what the pages show, links lead somewhere, both languages show
the same, and the numbers are those of the default search."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.engines import PARAMS, ROOT, Clone, of_the_book, programs
from tests.guides import Commands, blocks, play_page, replace, steps
from zdl.report.book_lines import best_lines

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
ENGLISH = [page for page in PAGES if not page.name.endswith(".ja.md")]
PAIRS = [(page, page.with_name(page.name.replace(".md", ".ja.md"))) for page in ENGLISH]
README, TUTORIAL = ROOT / "README.md", ROOT / "docs/tutorial.md"
EDIT = "    lr: {distribution: log_uniform, low: 1.0e-6, high: 1.0e-"


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def text_of(page: Path) -> str:
    return page.read_text("utf-8")


def blocks_of_commands(page: Path) -> list[Commands]:
    return [step for _, step in steps(text_of(page)) if isinstance(step, Commands)]


@pytest.fixture(scope="module")
def clone(fresh, once) -> Clone:
    """A small search on the branch main, recorded and committed, whose lr can be widened as the pages do."""

    def make(path: Path) -> None:
        clone = fresh.copy(path)
        clone.edit(search={"trials": 12}, training={"epochs": 20})  # so that a larger lr learns more
        params = clone.path / "params.yaml"
        params.write_text(re.sub(r"^    lr: \{.*\}$", EDIT + "2}", params.read_text(), flags=re.M))
        clone.engine("dvc")
        clone.run("git", "branch", "--move", "main")
        clone.commit()

    return once("guides", make)


MAKE = """
test -e .venv/bin/activate || {{
  echo "setting up .venv with Python 3.11.7: a minute or two"
  mkdir -p .venv/bin
  touch .venv/bin/activate
}}
exec {make} --no-print-directory --old-file=.venv/ready "$@"
"""


@pytest.fixture
def env(clone, tmp_path) -> dict[str, str]:
    """The environment of the tests stands in for .venv, which takes a minute to set up."""
    first = programs(tmp_path / "bin", make=MAKE.format(make=shutil.which("make"))).split(os.pathsep)[0]
    git = {f"GIT_{who}_{what}": "t@t" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    return {**clone.env, **git, "PATH": f"{first}{os.pathsep}{clone.env['PATH']}", "ZDL_CORES": "2"}


def example_review() -> str:
    """What the pages quote of a review, whose verdicts differ in a small search."""
    return text_of(ROOT / "docs/reviews/widen-lr/review.md").split("\n\n")[1] + "\n"


def to_play(page: Path) -> str:
    text = text_of(page)
    assert text.count(example_review()) == 1
    return text.replace(example_review(), "...\n")


def test_the_readme_from_the_clone_to_the_review(clone, env, tmp_path):
    play_page(to_play(README).replace("ADDRESS", str(clone.path)), tmp_path, env)


def test_the_tutorial_and_the_pages_that_follow_it(clone, env, tmp_path):
    copy = clone.clone(tmp_path / "zdl")
    env["ZDL_TRAININGS"] = str(copy.log)
    play_page(to_play(TUTORIAL), copy.path, env)
    play_page(to_play(ROOT / "docs/reviewing.md"), copy.path, env)
    trained = copy.trainings()
    assert len({*trained}) == len(trained) > 12  # undoing, recording and reviewing train nothing
    explore = text_of(ROOT / "docs/explore.md")
    play_page(explore, copy.path, env)
    (example,) = (block for language, block in blocks(explore) if language == "python")
    images = "import numpy as np; images = np.zeros((2, 28, 28))"
    assert copy.run("python", "-c", f"{images}\n{example}\nprint(probabilities.shape)") == "(2, 10)\n"


PLAYED = {README, TUTORIAL, ROOT / "docs/reviewing.md", ROOT / "docs/explore.md"}


@pytest.mark.parametrize("page", ENGLISH, ids=name)
def test_each_block_of_commands_is_played_or_says_why_not(page):
    for block in blocks_of_commands(page):
        kind, _, rest = block.note.partition(" ")
        if kind == "played":  # by a test that names the page
            test = ROOT / rest.removeprefix("by ")
            assert name(page) in text_of(test), block
        elif kind == "not":
            assert len(rest.removeprefix("played: ").split()) >= 3, block
        else:
            assert not block.note and page in PLAYED, block


def without_comments(page: Path) -> list[object]:
    """The steps of a page, less the comments on its commands, which are in its language."""
    return [
        (language, re.sub(r" +#.*", "", "\n".join(step.lines) if isinstance(step, Commands) else step))
        for language, step in steps(text_of(page))
    ]


@pytest.mark.parametrize(("page", "other"), PAIRS, ids=name)
def test_both_languages_have_the_same_commands_and_edits(page, other):
    assert without_comments(page) == without_comments(other)
    assert f"]({other.name})" in text_of(page) and f"]({page.name})" in text_of(other)


def test_the_readme_is_short():
    assert len(text_of(README).split()) < 1200
    japanese = re.sub(r"\s", "", text_of(README.with_suffix(".ja.md")))
    assert len(japanese) < 1200 * 6  # about as long


# Links.


def anchors(page: Path) -> set[str]:
    """The headings, as GitHub makes anchors of them."""
    heads = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```$", "", text_of(page), flags=re.M | re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


MARKDOWN = subprocess.run(
    ["git", "ls-files", "*.md", "--cached", "--others", "--exclude-standard"],
    cwd=ROOT, capture_output=True, text=True, check=True,
).stdout.split()  # fmt: skip


@pytest.mark.parametrize("page", MARKDOWN)
def test_links_lead_to_files_and_headings(page):
    text = re.sub(r"^```.*?^```$|`[^`\n]*`", "", text_of(ROOT / page), flags=re.M | re.S)
    for link in re.findall(r"\]\(([^()\s]+)\)", text):
        if link.startswith(("http:", "https:")):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


# The numbers of the default search.


@of_the_book
@pytest.mark.parametrize("page", [README, TUTORIAL], ids=name)
def test_the_best_trials_are_those_of_the_report(page):
    import pandas as pd

    first = text_of(page).partition("diff\n")[0]
    shown = re.findall(r"^Best-.*$", first, re.M)
    assert shown == best_lines(pd.read_csv(ROOT / "reports/ranking.csv"), len(shown)) and shown


@of_the_book
def test_what_the_tutorial_reads_off_the_figure_is_in_the_report():
    section = text_of(TUTORIAL).partition("## 2. ")[2].partition("## 3. ")[0]
    report = " ".join(text_of(ROOT / "reports/README.md").split())
    numbers = re.findall(r"\b0\.\d\d\b|\d\d\.\d %|\d,\d{3}", section)
    assert len(numbers) > 6 and all(number in report for number in numbers)
    assert section.split("> ")[-2].strip() in report  # the first line of what it quotes


@pytest.fixture(scope="module")
def book(tmp_path_factory) -> Clone:
    """A folder with the code and the book's settings, to compute names in."""
    folder = tmp_path_factory.mktemp("book")
    (folder / "src").symlink_to(ROOT / "src")
    shutil.copy2(PARAMS, folder / "params.yaml")
    return Clone(folder)


def moved(book: Clone, edit) -> int:
    """How many of the trials after an edit are not among those before it."""
    before, text = book.names(), (book.path / "params.yaml").read_text()
    edit()
    after = book.names()
    (book.path / "params.yaml").write_text(text)
    return len(after - before)


EDITS = {
    r"lr 1e-6\.\.1e-2 \w+ to (\S+)\.\.(\S+)": lambda book, *ends: book.search(lr=(*map(float, ends),)),
    r"`search\.trials` from 100 to (\d+)": lambda book, n: book.edit(search={"trials": int(n)}),
    r"`report\.best`,.*": lambda book: book.edit(report={"best": 10}),
    r"`training\.epochs` from 50 to (\d+)": lambda book, n: book.edit(training={"epochs": int(n)}),
    r"anything else under `split`.*": lambda book: book.edit(split={"seed": 2}),
}


def test_an_edit_trains_as_many_trials_as_the_table_says(book):
    table = text_of(ROOT / "docs/methods.md").partition("## What an edit trains\n")[2]
    rows = re.findall(r"^\| (.+) \| (\d+)[^|]*\|$", table.partition("\n## ")[0], re.M)
    assert len(rows) == 7
    for words, number in rows:
        ((match, edit),) = [(m, edit) for how, edit in EDITS.items() if (m := re.fullmatch(how, words))]
        assert moved(book, lambda edit=edit, match=match: edit(book, *match.groups())) == int(number), words


@pytest.mark.parametrize("page", [README, TUTORIAL], ids=name)
def test_the_edit_trains_the_trials_that_the_pages_show(book, page):
    (edit, *_) = [step for language, step in steps(text_of(page)) if language == "diff"]
    widen = lambda: replace(book.path / "params.yaml", edit.partition("\n")[2])  # noqa: E731
    assert f"\n{moved(book, widen)} trials: 0 from the cache" in text_of(page)
