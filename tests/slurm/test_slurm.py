"""The search on a real Slurm (`make test-slurm`, docs/clusters.md): as it should go, when a node dies, and
with wrong nodes."""

import copy
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.engines import ROOT, TINY, Clone
from tests.slurm.cluster import CPUS, Cluster

TRIALS, GROUP = 60, 10  # in a submission
SEARCH = {"trials": TRIALS}
ON_SLURM = (
    "timeout", "--kill-after=5", "500",  # Snakemake may wait for ever for a Slurm that is gone
    "snakemake", "--workflow-profile", "profiles/slurm", "--group-components", f"trials={GROUP}",
    "replicates=100", "--default-resources", "slurm_partition=main",
    "--slurm-init-seconds-before-status-checks", "3",
)  # fmt: skip


@pytest.fixture(scope="session")
def tiny(tmp_path_factory) -> Clone:
    """A clone in which nothing has run, of a search that makes several groups."""
    settings = copy.deepcopy(TINY) | {"search": SEARCH}
    settings["training"]["epochs"] = 200  # so that a group takes seconds
    return Clone.of_this_project(tmp_path_factory.mktemp("tiny") / "zdl", **settings)


@pytest.fixture(scope="session")
def here(tiny, tmp_path_factory) -> Clone:
    """The same after a run on this host alone."""
    clone = tiny.copy(tmp_path_factory.mktemp("here") / "zdl")
    clone.engine("snakemake")
    return clone


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with Cluster() as cluster:
        yield cluster


@pytest.fixture
def clone(tiny, cluster, tmp_path) -> Clone:
    """A clone to run on the cluster, without a home."""
    clone = tiny.copy(tmp_path / "zdl")
    clone.env |= cluster.env | {"HOME": "/dev/null", "PATH": f"{cluster.folder}:{clone.env['PATH']}"}
    clone.env.pop("XDG_CACHE_HOME", None)
    clone.timeout = 600
    return clone


def test_groups_run_on_the_nodes_and_all_else_here(clone, here, cluster):
    said = clone.run(*ON_SLURM)
    assert clone.reports() == here.reports()
    assert len(clone.trained()) == TRIALS
    *groups, replicates = cluster.done()
    assert len(groups) == TRIALS / GROUP, said  # and so no other rule was submitted
    assert {job["NodeList"] for job in groups} == set(cluster.nodes)
    for job in (*groups, replicates):
        assert job["JobState"] == "COMPLETED"
    assert {(job["ProcCnt"], job["TimeLimit"]) for job in groups} == {("4", "3")}  # 10 jobs, 4 at a time
    assert (replicates["ProcCnt"], replicates["TimeLimit"]) == ("4", "1")
    assert len(said.splitlines()) < 40, said


def test_the_rounds_of_a_search_that_learns_are_submissions_of_their_own(clone, cluster):
    clone.edit(search={"method": "bayes", "trials": 9, "batch": 3})
    clone.run(*ON_SLURM, "trials", "--printshellcmds", "--slurm-keep-successful-logs")
    assert len(clone.trained()) == 9
    assert [job["JobState"] for job in cluster.done()] == ["COMPLETED"] * 3
    logs = [path.read_text() for path in (clone.path / ".snakemake/slurm_logs").rglob("*.log")]
    commands = [line for log in logs for line in log.splitlines() if "exec python" in line]
    assert commands and all(" --go-on " in command for command in commands)


def test_a_node_that_dies_costs_what_it_was_training(clone, here, cluster):
    faults = f"{ROOT}/tests/faults{os.pathsep}{clone.env['PYTHONPATH']}"
    cluster.set("node2", PYTHONPATH=faults, ZDL_SLOW="1")  # so that it dies while it trains
    with subprocess.Popen(
        ON_SLURM, cwd=clone.path, env=clone.env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as run:
        while run.poll() is None:
            if len(clone.records()) > TRIALS / 3 and cluster.runs("node2", "trial.py"):
                break
            time.sleep(0.1)
        cluster.fail("node2")
        said, _ = run.communicate()
    assert run.returncode == 0, said
    assert clone.reports() == here.reports()
    ended = Counter((job["NodeList"], job["JobState"]) for job in cluster.done())
    assert ended["node2", "NODE_FAIL"] == 1, ended
    trained = Counter(clone.trained())
    again = sum(trained.values()) - TRIALS
    print(f"trained again after the node had died: {again} of {TRIALS}", file=sys.stderr)
    assert len(trained) == TRIALS and again <= CPUS


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo 'sinfo: error: a' >&2\necho 'sinfo: fatal: b' >&2\nexit 1", "sinfo: fatal: b"),
        ("exit 3", "sinfo: exit code 3"),
    ],
)
def test_without_a_slurm_that_answers_the_run_ends_at_once(tiny, tmp_path, script, reason):
    clone = tiny.copy(tmp_path / "zdl")
    (tmp_path / "sinfo").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "sinfo").chmod(0o755)
    clone.env["PATH"] = f"{tmp_path}:{clone.env['PATH']}"
    said = clone.run(*ON_SLURM, ok=False)
    assert said.splitlines()[-1] == f"no Slurm answers on this host: {reason}", said
    assert "Traceback" not in said


def test_what_slurm_does_not_take_is_told(clone):
    said = clone.run(*ON_SLURM, "--retries", "0", "--default-resources", "slurm_partition=nope", ok=False)
    assert "trial failed on the cluster: " in said and "nope" in said, said
    assert "no reason was given" not in said and "Traceback" not in said, said


def test_a_node_that_is_not_as_it_should_be_says_so_in_one_line(clone, cluster, tmp_path):
    wait = "import time\ntime.sleep(10)\n"  # or a node that has failed would take the next group, too
    files = {
        "other/sitecustomize.py": wait,
        "other/numpy-1.26.4.dist-info/METADATA": "Metadata-Version: 2.1\nName: numpy\nVersion: 1.26.4\n",
        "broken/numpy.py": f"{wait}raise ImportError('libgfortran.so.5: cannot open shared object file')\n",
        "bare/python": f'#!/bin/sh\nsleep 10\nexec {sys.executable} -S -E "$@"\n',
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    cluster.set("node1", PYTHONPATH=str(tmp_path / "other"))
    cluster.set("node2", PYTHONPATH=str(tmp_path / "broken"))
    cluster.set("node3", PATH=f"{tmp_path / 'bare'}:{clone.env['PATH']}")
    said = clone.run(*ON_SLURM, "--jobs", "3", "--retries", "0", ok=False)
    for line in (
        "node1: numpy's version is 1.26.4, but ",
        f"node2: {sys.executable} lacks what a trial needs (libgfortran.so.5: cannot open shared object",
        "node3: zdl is not installed in ",
    ):
        assert said.count(line) == 1, said
    assert "Traceback" not in said and len(said.splitlines()) < 30, said
    assert clone.trainings() == []
    assert len(cluster.done()) == 3, said  # the other groups were not submitted any more
    cluster.set("node3")
    without = ("--slurm-exclude-failed-nodes", "node1,node2", "--group-components", f"trials={TRIALS}")
    clone.run(*ON_SLURM, "trials", *without)
    assert [job["NodeList"] for job in cluster.done()[3:]] == ["node3"]
