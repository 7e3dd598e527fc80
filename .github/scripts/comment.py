"""Post review/review.md as a comment on its pull request, or update that comment.

    python3 .github/scripts/comment.py      in a workflow_run of GitHub Actions; its event names the run
    python3 .github/scripts/comment.py 7    elsewhere: pull request 7 of GITHUB_REPOSITORY, or of `origin`

The pull request's own code, maybe a stranger's, made the text, so the text is only data. Nothing in it is
run. It does not decide where it is posted: the event does, and GitHub confirms that the head is still the
reviewed commit. It mentions nobody by @name, and it is cut to the length that GitHub allows. Needs a token in
GH_TOKEN or GITHUB_TOKEN, and no package.
"""

import json
import os
import re
import subprocess
import sys
from http.client import HTTPException
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

REVIEW = Path("review/review.md")
MARKER = "<!-- zdl: the review of a search -->"
# A figure that no commit has. Its link leads nowhere in a comment.
FIGURE = re.compile(r"!\[([^\]\n]*)\]\((?!https://)([^)\n]*)\)")
LIMIT = 65_536  # characters in a comment
READ = 2**20  # bytes, more than any review has
OURS = "github-actions[bot]"  # the author of comments that a workflow posts
API = "https://api.github.com"
PAGE = 100  # items, the most that GitHub puts on a page


class Refused(Exception):
    """Nothing was posted; the message says why."""


class Superseded(Refused):
    """The reviewed commit is outdated. This is not a failure."""


class Run(NamedTuple):
    """What was reviewed. Nothing in it comes from the pull request's own text."""

    repository: str
    number: int
    author: str  # of our comment
    commit: str
    outcome: str  # how the checks of that commit ended, with a link
    files: str  # where the review's files are


def call(method: str, path: str, **fields: str) -> Any:
    """The answer of GitHub's API."""
    token = os.environ.get("GH_TOKEN") or os.environ.get("GITHUB_TOKEN")
    if not token:
        raise Refused("there is no token: set GH_TOKEN to one that may read and comment pull requests")
    data = json.dumps(fields).encode() if fields else None
    address = f"{os.environ.get('GITHUB_API_URL') or API}/{path}"
    request = Request(address, data, {"Accept": "application/vnd.github+json"}, method=method)
    request.add_unredirected_header("Authorization", f"Bearer {token}")  # no other server gets the token
    try:
        return json.loads(answer(request))
    except (OSError, HTTPException) as error:
        why = getattr(error, "reason", "") or repr(error)
    except ValueError:
        why = "answered with something else than JSON"
    raise Refused(f"{method} {address}: {why}")


def answer(request: Request) -> bytes:
    """The body of an answer. If GitHub refuses, its own words are the reason why nothing is posted."""
    try:
        with urlopen(request, timeout=60) as response:
            body: bytes = response.read()
            return body
    except HTTPError as error:
        text = " ".join(error.read(READ).decode("utf-8", "replace").split())
        why = f"{error.code} {text[:300] if text.startswith('{') else error.reason}"  # or a page of HTML
        hint = (
            "; may the token read and comment pull requests there?" if error.code in (401, 403, 404) else ""
        )
        raise Refused(f"{request.method} {request.full_url}: {why}{hint}") from None


def all_of(path: str, **query: str) -> list[Any]:
    """The items of a list, from all its pages."""
    items: list[Any] = []
    while True:
        number = str(len(items) // PAGE + 1)
        page = call("GET", f"{path}?{urlencode({**query, 'per_page': str(PAGE), 'page': number})}")
        items += page
        if len(page) < PAGE:
            return items


def git(*arguments: str) -> str:
    """The output of a Git command."""
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    except OSError as error:
        raise Refused(f"git: {error.strerror} (needed: `git` on the PATH)") from None
    if done.returncode:
        raise Refused(f"git {arguments[0]}: {' '.join(done.stderr.split())[:300]}")
    return done.stdout.strip()


def of_event(event: dict[str, Any]) -> Run:
    """The run of a workflow_run event, with its pull request.

    The event of a fork's run does not name the pull request. It is searched for by its branch, and its
    head must be the reviewed commit.
    """
    run, repository = event["workflow_run"], event["repository"]["full_name"]
    if run["event"] != "pull_request":
        raise Refused(f"the run was for a {run['event']}, not for a pull request")
    head, commit = (run["head_repository"] or {}).get("full_name", "a deleted fork"), run["head_sha"]
    branch = f"{head.partition('/')[0]}:{run['head_branch']}"
    pulls = all_of(f"repos/{repository}/pulls", state="open", head=branch)
    numbers = [
        pull["number"]
        for pull in pulls
        if pull["head"]["sha"] == commit and (pull["head"]["repo"] or {}).get("full_name") == head
    ]
    if not numbers:
        raise Superseded(f"{commit} is no longer the head of an open pull request of {branch}")
    if len(numbers) > 1:
        raise Refused(f"{commit} is the head of several pull requests: {numbers}")
    outcome = f"[the checks]({run['html_url']}) of {commit} ended in **{run['conclusion']}**"
    files = f"an artifact of [the run]({run['html_url']}#artifacts)"
    return Run(repository, numbers[0], OURS, commit, outcome, files)


def by_hand(number: int) -> Run:
    """A pull request of the repository that this folder was cloned from."""
    origin = git("remote", "get-url", "origin")
    repository = os.environ.get("GITHUB_REPOSITORY") or "/".join(re.split("[/:]", origin)[-2:])
    pull = call("GET", f"repos/{repository.removesuffix('.git')}/pulls/{number}")
    head, base = pull["head"]["sha"], pull["base"]["repo"]["full_name"]
    here = git("rev-parse", "--verify", "HEAD")
    if here != head:
        raise Refused(f"pull request {number} has the head {head}, but {here} is checked out here")
    outcome = f"the review of {head}, posted by hand"
    return Run(base, number, call("GET", "user")["login"], head, outcome, f"`make review` of {head}")


def comment(run: Run, review: bytes | None) -> str:
    """The text of the comment, at most LIMIT characters."""
    head = f"{MARKER}\n_Written by the pull request's own code; {run.outcome}._\n\n"
    if review is None:
        return f"{head}It wrote no review.\n"
    text = review.decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
    text = FIGURE.sub(rf"_\1: \2 in {run.files}_", text)
    text = re.sub(r"@(?=\w)", "@\N{ZERO WIDTH SPACE}", text).replace(MARKER, "")
    tail = "\n\n_Cut here: the whole review is an artifact of the run that is linked above._\n"
    if len(head) + len(text) > LIMIT:
        text = text[: LIMIT - len(head) - len(tail)].rpartition("\n")[0] + tail
    return head + text


def post(run: Run, body: str) -> str:
    """Create the comment or replace the earlier one, and return its address."""
    place = f"repos/{run.repository}/issues"
    comments = all_of(f"{place}/{run.number}/comments")
    ours = [
        each["id"]
        for each in comments
        if (each["user"] or {}).get("login") == run.author and each["body"].startswith(MARKER)
    ]
    if ours:
        done = call("PATCH", f"{place}/comments/{ours[0]}", body=body)
    else:
        done = call("POST", f"{place}/{run.number}/comments", body=body)
    return str(done["html_url"])


def main(arguments: list[str]) -> str:
    if arguments:
        if not arguments[0].isdecimal():
            raise Refused(f"which pull request? {arguments[0]} is no number; make comment PR=7")
        if not REVIEW.is_file():
            raise Refused(f"{REVIEW}: is not in {Path.cwd()}; `make review` writes it")
        run = by_hand(int(arguments[0]))
    elif os.environ.get("GITHUB_EVENT_NAME") == "workflow_run":
        run = of_event(json.loads(Path(os.environ["GITHUB_EVENT_PATH"]).read_text("utf-8")))
    else:
        raise Refused("which pull request? make comment PR=7")
    review = None
    if REVIEW.is_file() and not REVIEW.is_symlink():
        with REVIEW.open("rb") as file:
            review = file.read(READ)
    return post(run, comment(run, review))


if __name__ == "__main__":
    try:
        print(main(sys.argv[1:]))
    except Superseded as why:
        print(f"nothing was posted: {why}")
    except Refused as why:
        raise SystemExit(f"nothing was posted: {why}") from None
