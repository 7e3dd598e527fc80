"""Looking changes nothing: every byte and every time stamp stays as it is, with damage there to repair."""

import os
import re

import pytest

from tests.engines import tree

LOOKS = {  # each with its exit code
    "a dry run": ("snakemake -n", 0),
    "a dry run of a part": ("snakemake -n trials weights", 0),
    "lint": ("snakemake --lint", 1),  # it has something to say: tests/workflow/test_lint.py
    "rules": ("snakemake --list-rules", 0),
    "summary": ("snakemake --summary", 0),
    "graph": ("snakemake --dag", 0),
    "what would be deleted": ("snakemake --delete-all-output -n", 0),
    "DVC": ("dvc status", 0),
    "the check": ("python workflow/scripts/check.py", 1),
}


@pytest.fixture(scope="module")
def damaged(recorded, once):
    """A clone with a torn record, split and table, a report edited by hand, a file from the future, and no
    memory of fingerprints."""

    def make(path):
        clone = recorded.copy(path)
        for name in ("data/split/*.npz", "results/table/*.json", "results/trials/0001-*.json"):
            (file,) = clone.path.glob(name)
            file.write_bytes(file.read_bytes()[:-9])
        with (clone.path / "reports/ranking.csv").open("a") as file:
            file.write("1,99\n")
        clone.run("bash", "-c", "touch -d 2100-01-01 data/prepared/*.npz; rm .zdl/fingerprints.json")

    return once("damaged", make)


@pytest.mark.parametrize(("command", "code"), LOOKS.values(), ids=LOOKS)
def test_looking_changes_nothing(damaged, command, code):
    before = tree(damaged.path)
    damaged.run(*command.split(), ok=code == 0)
    assert tree(damaged.path) == before


def test_the_report_of_snakemake_changes_nothing_else(recorded, tmp_path):
    clone = recorded.copy(tmp_path / "zdl")
    before = tree(clone.path)
    clone.run("snakemake", "--report", str(tmp_path / "report.html"))
    assert tree(clone.path) == before and (tmp_path / "report.html").stat().st_size > 10**5


def test_a_dry_run_names_what_is_damaged_and_a_run_repairs_it(damaged, recorded, tmp_path):
    clone = damaged.copy(tmp_path / "zdl")
    clone.trainings()
    said = clone.run("snakemake", "-n")
    lines = [line for line in said.splitlines() if line.endswith("; a run makes it again")]
    torn = ("data/split/", "results/table/", "results/trials/0001-")
    assert [next(name for name in (*torn, "reports/") if name in line) for line in lines] == [
        "data/split/", "results/table/", "reports/", "results/trials/0001-",
    ]  # fmt: skip
    assert "1 trial: 1 from the cache, 0 to train" in said.splitlines()
    jobs = set(re.findall(r"^(\w+)(?: \S+)?: ", said, re.M))
    assert {"repair", "trial", "aggregate", "rank"} <= jobs
    clone.engine("snakemake")
    assert clone.trainings() == [] and clone.reports() == recorded.reports()
    assert "Nothing to be done" in clone.run("snakemake", "-n")


def test_a_dry_run_says_how_many_trials_come_from_the_cache(recorded, tmp_path):
    clone = recorded.copy(tmp_path / "zdl")
    clone.trainings()
    clone.search(lr=(1e-4, 1e-2))
    clone.engine("snakemake", "trials")
    new = len(clone.trained())
    clone.run("git", "checkout", "--quiet", "params.yaml")
    clone.run("rm", "-r", "results/trials")
    assert "6 trials: 6 from the cache, 0 to train" in clone.run("snakemake", "-n").splitlines()
    clone.edit(search={"trials": 8})
    assert "8 trials: 6 from the cache, 2 to train" in clone.run("snakemake", "-n").splitlines()
    clone.edit(search={"trials": 6, "method": "bayes"})
    said = clone.run("snakemake", "-n").splitlines()
    assert "6 trials: 3 from the cache, 0 to train, 3 whose points depend on the scores of others" in said
    assert new > 0


def test_what_lies_ready_for_a_trial_is_looked_at_too(recorded, tmp_path):
    clone = recorded.copy(tmp_path / "zdl")
    clone.trainings()
    record = clone.records()[2]
    ready = clone.path / ".zdl/ready" / record.name
    ready.parent.mkdir(exist_ok=True)
    ready.write_bytes(record.read_bytes()[:-9])
    data = record.read_bytes()
    record.unlink()
    assert f".zdl/ready/{record.name}: is damaged" in clone.run("snakemake", "--cores", "1")
    assert record.read_bytes() == data and clone.trainings() == []


def test_what_is_no_file_in_place_of_one_is_repaired(recorded, tmp_path):
    clone = recorded.copy(tmp_path / "zdl")
    (table,) = (clone.path / "results/table").iterdir()
    data = table.read_bytes()
    table.unlink()
    os.mkfifo(table)
    assert "cannot be read" in clone.run("snakemake", "-n")
    clone.engine("snakemake")
    assert table.read_bytes() == data
