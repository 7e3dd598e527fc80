"""The workflows: valid, pinned, with no more rights than they need, and made of targets that run here too."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.engines import ROOT

WORKFLOWS = {path.stem: path for path in sorted((ROOT / ".github/workflows").iterdir())}


def read(name):
    return YAML(typ="safe").load(WORKFLOWS[name].read_text("utf-8"))


def steps():
    for name in WORKFLOWS:
        for job in read(name)["jobs"].values():
            yield from job["steps"]


def test_there_are_two_workflows():
    assert WORKFLOWS.keys() == {"review", "comment"}


def test_the_workflows_fit_their_schema():
    tool = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows"]
    subprocess.run([*tool, *WORKFLOWS.values()], check=True)


@pytest.mark.parametrize("tool", ["actionlint", "zizmor"])
def test_linters_of_workflows_find_nothing(tool, request):
    command = {"actionlint": ["actionlint"], "zizmor": ["zizmor", "--quiet", "--offline", "--no-progress"]}[
        tool
    ]
    where = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    if not shutil.which(tool, path=where):
        pytest.skip(f"{request.node.name}: there is no {tool} here")
    command[0] = shutil.which(tool, path=where)
    done = subprocess.run([*command, *WORKFLOWS.values()], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_action_is_pinned_by_the_hash_of_a_commit_with_its_version_beside_it():
    lines = [line for path in WORKFLOWS.values() for line in path.read_text().splitlines() if "uses:" in line]
    assert len(lines) == sum("uses" in step for step in steps()) > 4
    pins = {}
    for line in lines:
        action, commit, version = re.search(
            r"uses: (actions/[\w-]+)@([0-9a-f]{40}) # (v\d+\.\d+\.\d+)$", line
        ).groups()
        assert pins.setdefault(action, (commit, version)) == (commit, version)


def test_only_the_workflow_that_runs_nothing_of_a_stranger_may_write():
    review, comment = read("review"), read("comment")
    assert review["permissions"] == {"contents": "read"}
    assert not any("permissions" in job for job in review["jobs"].values())
    assert comment["permissions"] == {}
    (job,) = comment["jobs"].values()
    assert [name for name, right in job["permissions"].items() if right == "write"] == ["pull-requests"]
    assert set(review["on"]) == {"pull_request", "push"} and set(comment["on"]) == {"workflow_run"}
    assert comment["on"]["workflow_run"]["workflows"] == [review["name"]]
    (checkout,) = (step for step in job["steps"] if "checkout" in step.get("uses", ""))
    assert "ref" not in checkout["with"] and "repository" not in checkout["with"]
    assert "secrets." not in WORKFLOWS["review"].read_text() + WORKFLOWS["comment"].read_text()


def test_no_checkout_leaves_a_token_behind():
    checkouts = [step for step in steps() if "checkout" in step.get("uses", "")]
    assert checkouts and all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_every_step_is_a_make_target_and_no_event_is_pasted_into_a_command():
    targets = set(re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(), re.M))
    runs = [step["run"] for step in steps() if "run" in step]
    form = re.compile(
        r'make(?: --silent)? ([a-z]+)(?: [A-Z]+=(?:\d+|"\$[A-Z]+"))*(?: >> "\$GITHUB_STEP_SUMMARY")?'
    )
    made = [form.fullmatch(run)[1] for run in runs]
    assert set(made) <= targets
    assert {"check", "review", "pull", "repro", "unchanged", "lint", "test", "comment"} <= set(made)


def test_the_review_of_a_pull_request_links_committed_figures_by_commit():
    (review,) = (step for step in steps() if "make --silent review" in step.get("run", ""))
    assert review["env"]["RAW"] == "${{ github.server_url }}/${{ github.repository }}/raw"
    assert 'HEAD="$HEAD" RAW="$RAW"' in review["run"]
