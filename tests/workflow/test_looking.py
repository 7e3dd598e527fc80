"""Looking changes nothing: every byte and every time stamp stays as it is, with damage there to repair."""

import os
import re

import pytest

from tests.engines import MEMO, tree

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
    """A clone with a torn record, split and table, a report edited by hand, and a file from the future."""

    def make(path):
        clone = recorded.copy(path)
        for name in ("data/split/*.npz", "results/table/*.json", "results/trials/0001-*.json"):
            (file,) = clone.path.glob(name)
            file.write_bytes(file.read_bytes()[:-9])
        with (clone.path / "reports/ranking.csv").open("a") as file:
            file.write("1,99\n")
        clone.run("bash", "-c", "touch -d 2100-01-01 data/prepared/*.npz")

    return once("damaged", make)


@pytest.mark.parametrize(("command", "code"), LOOKS.values(), ids=LOOKS)
def test_looking_changes_nothing(damaged, command, code):
    before = tree(damaged.path)
    damaged.run(*command.split(), ok=code == 0)
    assert tree(damaged.path) == before


def test_looking_at_code_that_nobody_analysed_changes_nothing_either(damaged, tmp_path):
    clone = damaged.copy(tmp_path / "zdl")
    (clone.path / MEMO).unlink()
    before = tree(clone.path)
    for name in ("a dry run", "the check"):
        command, code = LOOKS[name]
        clone.run(*command.split(), ok=code == 0)
        assert tree(clone.path) == before, name


def test_a_dry_run_names_what_is_damaged_and_a_run_repairs_it(damaged, recorded, tmp_path):
    """So, too, what is no file in place of one, and what lies ready for a trial's job to take."""
    clone = damaged.copy(tmp_path / "zdl")
    clone.trainings()
    (table,), (*_, record) = (clone.path / "results/table").iterdir(), clone.records()
    whole = record.read_bytes(), [path.read_bytes() for path in (recorded.path / "results/table").iterdir()]
    table.unlink()
    os.mkfifo(table)
    ready = clone.path / "results/ready" / record.name
    ready.parent.mkdir(exist_ok=True)
    ready.write_bytes(record.read_bytes()[:-9])
    record.unlink()
    output = clone.run("snakemake", "-n")
    lines = [line for line in output.splitlines() if line.endswith("; a run makes it again")]
    parts = (
        "data/split/",
        "results/table/",
        "reports/",
        "results/trials/0001-",
        f"results/ready/{record.name}",
    )
    assert [next(part for part in parts if part in line) for line in lines] == [*parts]
    assert "cannot be read" in lines[1] and "is damaged" in lines[4]
    assert "2 trials: 2 from the cache, 0 to train" in output.splitlines()
    jobs = set(re.findall(r"^(\w+)(?: \S+)?: ", output, re.M))
    assert {"repair", "trial", "aggregate", "rank"} <= jobs
    clone.engine("snakemake")
    assert clone.trainings() == [] and clone.reports() == recorded.reports()
    assert (record.read_bytes(), [table.read_bytes()]) == whole
    assert "Nothing to be done" in clone.run("snakemake", "-n")


def test_a_dry_run_says_how_many_trials_come_from_the_cache(recorded, tmp_path):
    clone = recorded.copy(tmp_path / "zdl")
    clone.trainings()
    clone.search(lr=(1e-4, 1e-2))
    clone.engine("snakemake", "trials")
    new = len(clone.trained())
    clone.revert()
    clone.run("rm", "-r", "results/trials")
    assert "6 trials: 6 from the cache, 0 to train" in clone.run("snakemake", "-n").splitlines()
    clone.edit(search={"trials": 8})
    assert "8 trials: 6 from the cache, 2 to train" in clone.run("snakemake", "-n").splitlines()
    clone.edit(search={"trials": 6, "method": "bayes"})
    said = clone.run("snakemake", "-n").splitlines()
    assert "6 trials: 3 from the cache, 0 to train, 3 whose points depend on the scores of others" in said
    assert new > 0
