"""A search too large for its whole ranking to be published: what Git carries then, and where the rest is."""

from pathlib import Path

import pytest

from tests.engines import ENGINES, TRIALS, Clone

ROWS = 4  # published, of TRIALS
SAID = f"{TRIALS} in the one file in `results/ranking/`"


@pytest.fixture(scope="module")
def large(recorded, once) -> Clone:
    """A clone in which a search of more than ROWS trials is a large one, recorded and committed."""

    def make(path: Path) -> None:
        clone = recorded.copy(path)
        module = clone.path / "src/zdl/analysis/ranking.py"
        source = module.read_text()
        assert source.count("\nPUBLISHED = 1000 ") == 1
        module.write_text(source.replace("\nPUBLISHED = 1000 ", f"\nPUBLISHED = {ROWS} "))
        clone.engine("dvc")
        clone.commit()

    return once("large", make)


@pytest.fixture
def clone(large, tmp_path):
    return large.copy(tmp_path / "zdl")


def whole(clone):
    (path,) = (clone.path / "results/ranking").iterdir()
    return path


def lines(clone):
    """Those of `make best`, one a trial."""
    said = clone.run("python", "workflow/scripts/best.py")
    return [line for line in said.splitlines() if line.startswith("Best-")], said


def test_the_best_rows_are_published_and_the_whole_is_tracked(large, clone):
    rows = whole(large).read_text().splitlines(keepends=True)
    assert len(rows) == TRIALS + 1
    published = large.reports()
    assert published["ranking.csv"].decode() == "".join(rows[: ROWS + 1])
    page = published["README.md"].decode().replace("\n", " ")
    assert f"The best {ROWS} trials are in [ranking.csv]" in page and SAID in page
    assert f"上位{ROWS}個の試行は[ranking.csv]" in published["README.ja.md"].decode()
    assert len(lines(clone)[0]) == TRIALS

    for engine in ENGINES:
        clone.run("rm", "-r", "results/ranking", "results/manifests", "results/table", "reports/README.md")
        clone.engine(engine, "rank", "pages")
        assert clone.trainings() == []
        assert whole(clone).read_bytes() == whole(large).read_bytes() and clone.reports() == published, engine


def test_a_whole_ranking_that_is_damaged_or_lost_is_made_again(clone, large):
    path = whole(clone)
    for engine in ENGINES:
        for text in (path.read_text().replace("finished", "finishad"), None):
            path.unlink() if text is None else path.write_text(text)
            clone.engine(engine, "rank")
            assert path.read_bytes() == whole(large).read_bytes(), (engine, text)
    assert clone.trainings() == []
    assert clone.run("git", "status", "--short") == ""


def test_a_clone_without_results_shows_what_git_carries_and_says_where_the_rest_is(clone):
    every, _ = lines(clone)
    clone.run("rm", "-r", "results")
    shown, said = lines(clone)
    assert shown == every[:ROWS]
    assert f"the other {TRIALS - ROWS}: in results/ranking (made by a run, or pulled by `dvc pull`)" in said
    assert f"the report of all {TRIALS} trials" in said
    clone.run("python", "workflow/scripts/check.py")


def test_metrics_that_were_edited_into_something_else_are_named(clone):
    for text in ("{", '{"search": {"trials": "many"}}'):
        (clone.path / "reports/metrics.json").write_text(text)
        said = clone.run("python", "workflow/scripts/best.py", ok=False)
        assert said.startswith("reports/metrics.json: does not hold what it should"), said
        assert said.count("\n") == 1


def test_the_whole_ranking_of_another_search_is_not_taken_for_this_ones(clone):
    path = whole(clone)
    path.write_text(path.read_text().replace("\n1,", "\n1,9", 1))
    assert len(lines(clone)[0]) == ROWS


def test_a_ranking_whose_rows_all_fit_is_published_whole(clone):
    clone.edit(search={"trials": ROWS})
    clone.engine("snakemake", "rank", "pages")
    assert clone.reports()["ranking.csv"] == whole(clone).read_bytes()
    assert "All trials are in [ranking.csv]" in clone.reports()["README.md"].decode().replace("\n", " ")
    assert len(lines(clone)[0]) == ROWS
