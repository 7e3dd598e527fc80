"""The comment that a workflow posts, as a small server that plays GitHub's API gets it."""

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.engines import ROOT

SHA, OTHER = "1" * 40, "2" * 40
MARKER = "<!-- zdl: the review of a search -->"
TOKENS = {"ours": "github-actions[bot]", "mine": "somebody"}  # and who they belong to
NOT_FOUND = 404, {"message": "Not Found"}
MAY_NOT = json.dumps({"message": "Resource not accessible"}, indent=1)


class GitHub(ThreadingHTTPServer):
    """What GitHub knows of pull request 7 of o/r, and does with it. `refusals` are its answers to a method,
    whatever is asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server_port}"
        self.pulls = [pull(SHA)]
        self.comments: list[dict] = []
        self.refusals: dict[str, tuple[int, str]] = {}
        self.asked: list[str] = []

    def answer(self, method: str, path: str, query: dict, user: str | None, body: str | None) -> tuple:
        if method in self.refusals:
            return self.refusals[method]
        if user is None:
            return 401, {"message": "Bad credentials"}
        if body is not None and len(body) > 65_536:
            return 422, {"message": "Validation Failed", "errors": ["body is too long"]}
        return self.posted(method, path, user, body) if body is not None else self.read(path, query, user)

    def read(self, path: str, query: dict, user: str) -> tuple:
        heads = {"state": "open", "head": "f:main"}
        known = {
            "/user": {"login": user},
            "/repos/o/r/pulls": page(self.pulls, query) if heads.items() <= query.items() else [],
            "/repos/o/r/pulls/7": self.pulls[0],
            "/repos/o/r/issues/7/comments": page(self.comments, query),
        }
        return (200, known[path]) if path in known else NOT_FOUND

    def posted(self, method: str, path: str, user: str, body: str) -> tuple:
        if (method, path) == ("POST", "/repos/o/r/issues/7/comments"):
            self.comments.append({"id": 99, "user": {"login": user}, "body": body})
            return 201, {"html_url": "https://there/99"}
        found = re.fullmatch(r"PATCH /repos/o/r/issues/comments/(\d+)", f"{method} {path}")
        for comment in self.comments:
            if found and comment["id"] == int(found[1]):
                comment["body"] = body
                return 200, {"html_url": f"https://there/{found[1]}"}
        return NOT_FOUND


class Handler(BaseHTTPRequestHandler):
    server: GitHub

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(length))["body"] if length else None
        url = urlsplit(self.path)
        user = TOKENS.get(self.headers.get("Authorization", "").removeprefix("Bearer "))
        self.server.asked.append(f"{self.command} {url.path}")
        code, content = self.server.answer(self.command, url.path, dict(parse_qsl(url.query)), user, body)
        text = content if isinstance(content, str) else json.dumps(content)
        self.send_response(code)
        if 300 <= code < 400:
            self.send_header("Location", text)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    do_POST = do_PATCH = do_GET

    def log_message(self, *_: object) -> None:
        """Keep the test's output free of requests."""


def page(items: list, query: dict) -> list:
    size, number = int(query.get("per_page", 30)), int(query.get("page", 1))
    return items[(number - 1) * size : number * size]


def pull(sha: str, repo: str | None = "f/r", number: int = 7) -> dict:
    head = {"sha": sha, "repo": repo and {"full_name": repo}}
    return {"number": number, "head": head, "base": {"repo": {"full_name": "o/r"}}}


@pytest.fixture
def github() -> Iterator[GitHub]:
    with GitHub() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        yield server
        server.shutdown()


@pytest.fixture
def folder(tmp_path):
    """A folder with a review, and the event of its run."""
    (tmp_path / "review").mkdir()
    (tmp_path / "review/review.md").write_text("## Review\n\nby @someone\n")
    happen(tmp_path)
    return tmp_path


def happen(folder: Path, **changes: object) -> None:
    run = {
        "event": "pull_request",
        "head_sha": SHA,
        "head_branch": "main",
        "head_repository": {"full_name": "f/r"},
        "html_url": "https://the/run",
        "conclusion": "failure",
    }
    event = {"workflow_run": {**run, **changes}, "repository": {"full_name": "o/r"}}
    (folder / "event.json").write_text(json.dumps(event))


def post(folder, github, *arguments, code=0, **env):
    env = {
        "PATH": "/usr/bin:/bin",
        "GITHUB_API_URL": github.address,
        "GH_TOKEN": "ours",
        "GITHUB_EVENT_NAME": "workflow_run",
        "GITHUB_EVENT_PATH": str(folder / "event.json"),
        **env,
    }
    script = [sys.executable, ROOT / ".github/scripts/comment.py", *arguments]
    done = subprocess.run(script, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


BY_HAND = {"GITHUB_EVENT_NAME": "", "GH_TOKEN": "mine"}


def clone(folder: Path, origin: str) -> str:
    """Make the folder a clone of a repository. Returns its commit."""
    for command in (
        ["init", "--quiet"],
        ["remote", "add", "origin", origin],
        ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "--quiet", "--allow-empty", "-m", "x"],
    ):
        subprocess.run(["git", *command], cwd=folder, check=True)
    head = ["git", "rev-parse", "HEAD"]
    return subprocess.run(head, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


def test_one_comment_is_posted_and_then_brought_up_to_date(folder, github):
    assert post(folder, github) == "https://there/99\n"
    (first,) = github.comments
    assert first["body"].startswith(MARKER) and "## Review" in first["body"]
    assert f"[the checks](https://the/run) of {SHA} ended in **failure**" in first["body"]
    assert "@someone" not in first["body"] and "someone" in first["body"]
    (folder / "review/review.md").write_text("## Another\n")
    happen(folder, conclusion="success")
    post(folder, github, GH_TOKEN="", GITHUB_TOKEN="ours")
    (second,) = github.comments
    assert "## Another" in second["body"] and "## Review" not in second["body"]
    assert [each.split()[0] for each in github.asked] == ["GET", "GET", "POST", "GET", "GET", "PATCH"]


def test_a_committed_figure_is_shown_and_another_is_said_to_be_in_the_artifact(folder, github):
    shown = f"![The best](https://github.com/o/r/raw/{SHA}/reports/best20.png)"
    (folder / "review/review.md").write_text(f"| {shown} |\n\n![Both searches](overlay.png)\n")
    post(folder, github)
    (first,) = github.comments
    assert shown in first["body"]
    artifact = "an artifact of [the run](https://the/run#artifacts)"
    assert f"\n_Both searches: overlay.png in {artifact}_\n" in first["body"]
    assert "](overlay.png)" not in first["body"]


@pytest.mark.parametrize("others", [0, 99, 100, 250])
def test_the_comment_of_somebody_else_is_left_alone_and_ours_is_found_on_any_page(folder, github, others):
    theirs = [{"id": number, "user": None, "body": "hm"} for number in range(others)]
    theirs.append({"id": 1000, "user": {"login": "mallory"}, "body": f"{MARKER}\nmine"})
    ours = {"id": 777, "user": {"login": "github-actions[bot]"}, "body": f"{MARKER}\nold"}
    github.comments = [*theirs, ours]
    assert post(folder, github) == "https://there/777\n"
    assert github.comments[:-1] == theirs and "## Review" in github.comments[-1]["body"]


@pytest.mark.parametrize(
    "text", ["x" * 70_000, "語\n" * 80_000, "a line of a table\n" * 5_000, "@a " * 60_000, "\0\udc80" * 9]
)
def test_a_review_of_any_length_and_of_any_bytes_fits(folder, github, text):
    (folder / "review/review.md").write_bytes(text.encode("utf-8", "surrogateescape"))
    post(folder, github)
    (comment,) = github.comments
    assert len(comment["body"]) <= 65_536 and "\0" not in comment["body"]
    if len(text) > 65_536:
        assert comment["body"].endswith("artifact of the run that is linked above._\n")


@pytest.mark.parametrize("head", [pull(OTHER), pull(SHA, "f/another"), pull(SHA, None)])
def test_nothing_is_posted_to_a_pull_request_whose_head_was_not_reviewed(folder, github, head):
    github.pulls = [head]
    assert post(folder, github).startswith("nothing was posted: ") and github.comments == []


def test_the_pull_request_is_found_among_many_of_one_branch(folder, github):
    github.pulls = [*(pull(OTHER, number=number) for number in range(100, 250)), pull(SHA)]
    assert post(folder, github) == "https://there/99\n"


def test_nothing_is_posted_where_it_is_not_clear_to_which(folder, github):
    github.pulls = [pull(SHA), pull(SHA, number=8)]
    assert "is the head of several pull requests: [7, 8]" in post(folder, github, code=1)
    happen(folder, event="push")
    assert "not for a pull request" in post(folder, github, code=1)
    assert "make comment PR=7" in post(folder, github, code=1, GITHUB_EVENT_NAME="")
    assert github.comments == []


def test_the_number_in_the_artifact_is_not_asked_for(folder, github):
    """Nor is anything else in it followed: a link is no review."""
    (folder / "review/number").write_text("8")
    (folder / "secret").write_text("secret")
    (folder / "review/review.md").unlink()
    (folder / "review/review.md").symlink_to(folder / "secret")
    post(folder, github)
    (comment,) = github.comments
    assert comment["body"].endswith("It wrote no review.\n")


@pytest.mark.parametrize(
    ("origin", "env"),
    [
        ("git@github.com:o/r.git", {}),
        ("https://github.com/o/r", {}),
        ("../somewhere", {"GITHUB_REPOSITORY": "o/r"}),
    ],
)
def test_by_hand_it_is_posted_by_whose_token_it_is_for_the_commit_that_is_here(folder, github, origin, env):
    head = clone(folder, origin)
    assert "is checked out here" in post(folder, github, "7", code=1, **BY_HAND, **env)
    github.pulls = [pull(head)]
    for _ in range(2):
        post(folder, github, "7", **BY_HAND, **env)
    (comment,) = github.comments
    assert comment["user"] == {"login": "somebody"} and "posted by hand" in comment["body"]


@pytest.mark.parametrize(
    ("method", "refusal", "reason"),
    [
        (
            "POST",
            (403, MAY_NOT),
            '403 { "message": "Resource not accessible" }; may the token',
        ),
        ("GET", (404, '{"message": "Not Found"}'), '404 {"message": "Not Found"}; may the token'),
        ("GET", (422, '{"message": "Validation Failed"}'), "422 {"),
        ("GET", (502, "<html>\nUnicorn!</html>"), "502 Bad Gateway"),
        ("GET", (200, "<html>"), "answered with something else than JSON"),
        ("GET", (200, ""), "answered with something else than JSON"),
    ],
)
def test_a_refusal_is_one_line(folder, github, method, refusal, reason):
    github.refusals[method] = refusal
    said = post(folder, github, code=1)
    assert said.startswith(f"nothing was posted: {method} {github.address}/repos/o/r/") and reason in said
    assert said.count("\n") == 1 and github.comments == []


def test_the_token_goes_to_no_other_server(folder, github):
    with GitHub() as other:
        threading.Thread(target=other.serve_forever, args=(0.01,)).start()
        github.refusals["GET"] = (302, f"{other.address}/user")
        assert "401" in post(folder, github, code=1) and other.asked == ["GET /user"]
        other.shutdown()


@pytest.mark.parametrize(
    ("env", "reason"),
    [
        ({"GH_TOKEN": ""}, "there is no token: set GH_TOKEN"),
        ({"GH_TOKEN": "wrong"}, "401 {"),
        ({"GITHUB_API_URL": "http://127.0.0.1:1"}, "Connection refused"),
    ],
)
def test_no_token_a_wrong_one_and_no_server_are_one_line(folder, github, env, reason):
    said = post(folder, github, code=1, **env)
    assert said.startswith("nothing was posted: ") and said.count("\n") == 1 and reason in said


def test_by_hand_a_failing_git_a_wrong_number_and_no_review_are_one_line(folder, github):
    by_hand = {**BY_HAND, "code": 1, "GIT_CEILING_DIRECTORIES": str(folder.parent)}
    assert "git remote: fatal: not a git repository" in post(folder, github, "7", **by_hand)
    assert "git: No such file or directory" in post(folder, github, "7", **by_hand | {"PATH": str(folder)})
    assert "x is no number" in post(folder, github, "x", **by_hand)
    (folder / "review/review.md").unlink()
    assert "review/review.md: is not in " in post(folder, github, "7", **by_hand)
    assert github.comments == []
