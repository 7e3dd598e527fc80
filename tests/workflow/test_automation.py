"""The workflows: valid, pinned, with no more rights than they need, and made of targets that run here too.

And the comment that one of them posts, to a `gh` that answers from a file.
"""

import json
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
SHA, OTHER = "1" * 40, "2" * 40
MARKER = "<!-- zdl: the review of a search -->"
GH = """
import json, os, re, sys
from pathlib import Path
state = Path(os.environ["GH_STATE"])
told, arguments = json.loads(state.read_text()), sys.argv[1:]
assert arguments.pop(0) == "api"
body = json.load(sys.stdin)["body"] if "--input" in arguments else None
path, told["asked"] = arguments[-1] if body is None else arguments[2], [*told.get("asked", []), arguments]
if body is not None and len(body) > 65_536:
    print("Validation Failed: body is too long", file=sys.stderr)
    raise SystemExit(1)
if path == "user":
    print(json.dumps({"login": "somebody"}))
elif path == "repos/o/r/pulls":
    print(json.dumps(told["pulls"]))
elif re.fullmatch("repos/({owner}/{repo})/pulls/7", path):
    print(json.dumps(told["pulls"][0]))
elif path == "repos/o/r/issues/7/comments?per_page=100":
    for number in range(0, len(told["comments"]) + 1, 100):  # a page after another, as gh prints them
        print(json.dumps(told["comments"][number : number + 100]), end="")
elif path == "repos/o/r/issues/7/comments" and body is not None:
    author = os.environ.get("GH_AUTHOR", "github-actions[bot]")
    told["comments"].append({"id": 99, "user": {"login": author}, "body": body})
    print(json.dumps({"html_url": "https://there/99"}))
elif found := re.fullmatch("repos/o/r/issues/comments/(\\\\d+)", path):
    (comment,) = (each for each in told["comments"] if each["id"] == int(found[1]))
    comment["body"] = body
    print(json.dumps({"html_url": f"https://there/{found[1]}"}))
else:
    print(f"Not Found: {path}", file=sys.stderr)
    raise SystemExit(1)
state.write_text(json.dumps(told))
"""


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


# The comment.


@pytest.fixture
def world(tmp_path):
    """A folder with a review, a `gh` on the PATH, and what GitHub knows."""
    (tmp_path / "review").mkdir()
    (tmp_path / "review/review.md").write_text("## Review\n\nby @someone\n")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/gh").write_text(f"#!{sys.executable}\n{GH}")
    (tmp_path / "bin/gh").chmod(0o755)
    pull = {
        "number": 7,
        "head": {"sha": SHA, "repo": {"full_name": "f/r"}},
        "base": {"repo": {"full_name": "o/r"}},
    }
    know(tmp_path, pulls=[pull], comments=[])
    run = {
        "event": "pull_request",
        "head_sha": SHA,
        "head_branch": "main",
        "head_repository": {"full_name": "f/r"},
        "html_url": "https://the/run",
        "conclusion": "failure",
    }
    happen(tmp_path, run)
    return tmp_path, run, pull


def know(folder, **state):
    path = folder / "state.json"
    path.write_text(json.dumps({**(json.loads(path.read_text()) if path.exists() else {}), **state}))


def comments(folder):
    return json.loads((folder / "state.json").read_text())["comments"]


def happen(folder, run):
    event = {"workflow_run": run, "repository": {"full_name": "o/r"}}
    (folder / "event.json").write_text(json.dumps(event))


def post(folder, *arguments, code=0, **env):
    env = {
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "GH_STATE": str(folder / "state.json"),
        "GITHUB_EVENT_NAME": "workflow_run",
        "GITHUB_EVENT_PATH": str(folder / "event.json"),
        **env,
    }
    script = [sys.executable, ROOT / ".github/scripts/comment.py", *arguments]
    done = subprocess.run(script, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def test_one_comment_is_posted_and_then_brought_up_to_date(world):
    folder, run, _ = world
    assert post(folder) == "https://there/99\n"
    (first,) = comments(folder)
    assert first["body"].startswith(MARKER) and "## Review" in first["body"]
    assert f"[the checks](https://the/run) of {SHA} ended in **failure**" in first["body"]
    assert "@someone" not in first["body"] and "someone" in first["body"]
    (folder / "review/review.md").write_text("## Another\n")
    happen(folder, {**run, "conclusion": "success"})
    post(folder)
    (second,) = comments(folder)
    assert "## Another" in second["body"] and "## Review" not in second["body"]


def test_a_committed_figure_is_shown_and_another_is_said_to_be_in_the_artifact(world):
    folder, *_ = world
    shown = f"![The best](https://github.com/o/r/raw/{SHA}/reports/best20.png)"
    (folder / "review/review.md").write_text(f"| {shown} |\n\n![Both searches](overlay.png)\n")
    post(folder)
    (first,) = comments(folder)
    assert shown in first["body"]
    artifact = "an artifact of [the run](https://the/run#artifacts)"
    assert f"\n_Both searches: overlay.png in {artifact}_\n" in first["body"]
    assert "](overlay.png)" not in first["body"]


def test_the_review_of_a_pull_request_links_committed_figures_by_commit():
    (review,) = (step for step in steps() if "make --silent review" in step.get("run", ""))
    assert review["env"]["RAW"] == "${{ github.server_url }}/${{ github.repository }}/raw"
    assert 'HEAD="$HEAD" RAW="$RAW"' in review["run"]


def test_the_comment_of_somebody_else_is_left_alone_and_ours_is_found_on_any_page(world):
    folder, *_ = world
    others = [{"id": number, "user": None, "body": "hm"} for number in range(150)]
    others[3] = {"id": 3, "user": {"login": "mallory"}, "body": f"{MARKER}\nmine"}
    ours = {"id": 777, "user": {"login": "github-actions[bot]"}, "body": f"{MARKER}\nold"}
    know(folder, comments=[*others, ours])
    assert post(folder) == "https://there/777\n"
    assert comments(folder)[:-1] == others and "## Review" in comments(folder)[-1]["body"]


@pytest.mark.parametrize(
    "text", ["x" * 70_000, "語\n" * 80_000, "a line of a table\n" * 5_000, "@a " * 60_000, "\0\udc80" * 9]
)
def test_a_review_of_any_length_and_of_any_bytes_fits(world, text):
    folder, *_ = world
    (folder / "review/review.md").write_bytes(text.encode("utf-8", "surrogateescape"))
    post(folder)
    (comment,) = comments(folder)
    assert len(comment["body"]) <= 65_536 and "\0" not in comment["body"]
    if len(text) > 65_536:
        assert comment["body"].endswith("artifact of the run that is linked above._\n")


@pytest.mark.parametrize(
    ("head", "code"),
    [
        ({"sha": OTHER, "repo": {"full_name": "f/r"}}, 0),  # a newer commit has come
        ({"sha": SHA, "repo": {"full_name": "f/another"}}, 0),
        ({"sha": SHA, "repo": None}, 0),
    ],
)
def test_nothing_is_posted_to_a_pull_request_whose_head_was_not_reviewed(world, head, code):
    folder, _, pull = world
    know(folder, pulls=[{**pull, "head": head}])
    assert post(folder, code=code).startswith("nothing was posted: ") and comments(folder) == []


def test_nothing_is_posted_where_it_is_not_clear_to_which(world):
    folder, run, pull = world
    know(folder, pulls=[pull, {**pull, "number": 8}])
    assert "is the head of several pull requests: [7, 8]" in post(folder, code=1)
    happen(folder, {**run, "event": "push"})
    assert "not for a pull request" in post(folder, code=1)
    assert "make comment PR=7" in post(folder, code=1, GITHUB_EVENT_NAME="")
    assert comments(folder) == []


def test_the_number_in_the_artifact_is_not_asked_for(world):
    """Nor is anything else in it followed: a link is no review."""
    folder, *_ = world
    (folder / "review/number").write_text("8")
    (folder / "secret").write_text("secret")
    (folder / "review/review.md").unlink()
    (folder / "review/review.md").symlink_to(folder / "secret")
    post(folder)
    (comment,) = comments(folder)
    assert comment["body"].endswith("It wrote no review.\n")


def test_by_hand_it_is_posted_by_who_is_logged_in_for_the_commit_that_is_here(world):
    folder, _, pull = world
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@t"]
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "-m", "x"], cwd=folder, check=True)
    assert "is checked out here" in post(folder, "7", code=1, GITHUB_EVENT_NAME="")
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, check=True
    )
    know(folder, pulls=[{**pull, "head": {**pull["head"], "sha": head.stdout.strip()}}])
    for _ in range(2):
        post(folder, "7", GITHUB_EVENT_NAME="", GH_AUTHOR="somebody")
    (comment,) = comments(folder)
    assert comment["user"] == {"login": "somebody"} and "posted by hand" in comment["body"]


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo 'HTTP 403: Resource not accessible' >&2; echo hint >&2; exit 1", "HTTP 403: Resource not"),
        ("exit 3", "exit code 3"),
        ("echo '<html>'", "something else than JSON"),
        ("exit 0", "answered with nothing"),
        (None, "gh: No such file or directory"),
    ],
)
def test_a_failure_of_gh_is_one_line(world, script, reason):
    folder, *_ = world
    (folder / "bin/gh").write_text(f"#!/bin/sh\n{script}\n")
    if not script:
        (folder / "bin/gh").unlink()
    said = post(folder, code=1, PATH=f"{folder}/bin")
    assert said.startswith("nothing was posted: gh") and said.count("\n") == 1 and reason in said


def test_by_hand_a_failing_git_a_wrong_number_and_no_review_are_one_line(world):
    folder, *_ = world
    by_hand = {"code": 1, "GITHUB_EVENT_NAME": "", "GIT_CEILING_DIRECTORIES": str(folder.parent)}
    assert "git rev-parse --verify: fatal: not a git repository" in post(folder, "7", **by_hand)
    assert "x is no number" in post(folder, "x", **by_hand)
    (folder / "review/review.md").unlink()
    assert "review/review.md: is not in " in post(folder, "7", **by_hand)
    assert comments(folder) == []
