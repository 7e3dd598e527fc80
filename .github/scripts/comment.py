"""Post review/review.md as a comment on its pull request, or update that comment.

    python3 .github/scripts/comment.py      in a workflow_run of GitHub Actions; its event names the run
    python3 .github/scripts/comment.py 7    elsewhere: pull request 7, as the user that `gh` is logged in as

The pull request's own code, maybe a stranger's, made the text, so the text is only data. Nothing in it is
run. It does not decide where it is posted: the event does, and GitHub confirms that the head is still the
reviewed commit. It mentions nobody by @name, and it is cut to the length that GitHub allows. Needs `gh`, and
no package.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

REVIEW = Path("review/review.md")
MARKER = "<!-- zdl: the review of a search -->"
# A figure that no commit has. Its link leads nowhere in a comment.
FIGURE = re.compile(r"!\[([^\]\n]*)\]\((?!https://)([^)\n]*)\)")
LIMIT = 65_536  # characters in a comment
READ = 2**20  # bytes, more than any review has
OURS = "github-actions[bot]"  # the author of comments that a workflow posts


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


def gh(*arguments: str, **fields: str) -> Any:
    """The answer of GitHub's API, with all its pages joined."""
    body = ("--input", "-") if fields else ()
    text = output("gh", "api", *arguments, *body, given=json.dumps(fields))
    try:
        pages = list(_values(text))
    except ValueError:
        raise Refused(f"gh api {arguments[-1]}: answered with something else than JSON") from None
    if not pages:
        raise Refused(f"gh api {arguments[-1]}: answered with nothing")
    return [item for page in pages for item in page] if isinstance(pages[0], list) else pages[0]


def output(*command: str, given: str = "") -> str:
    """The output of a command. If it fails, its own words are the reason why nothing is posted."""
    try:
        done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    except OSError as error:
        raise Refused(f"{command[0]}: {error.strerror} (needed: `{command[0]}` on the PATH)") from None
    if done.returncode:
        why = " ".join((done.stderr.strip() or done.stdout).split()) or f"exit code {done.returncode}"
        raise Refused(f"{' '.join(command[:3])}: {why[:300]}")
    return done.stdout


def _values(text: str) -> Iterator[Any]:
    """The JSON values of a text that has one after another, as older versions of gh print pages."""
    text = text.strip()
    while text:
        value, end = json.JSONDecoder().raw_decode(text)
        yield value
        text = text[end:].strip()


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
    query = ("--method", "GET", "-f", "state=open", "-f", f"head={branch}", "-f", "per_page=100")
    pulls = gh("--paginate", *query, f"repos/{repository}/pulls")
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
    """A pull request of the repository that `gh` finds for this folder."""
    pull = gh(f"repos/{{owner}}/{{repo}}/pulls/{number}")
    head, base = pull["head"]["sha"], pull["base"]["repo"]["full_name"]
    here = output("git", "rev-parse", "--verify", "HEAD").strip()
    if here != head:
        raise Refused(f"pull request {number} has the head {head}, but {here} is checked out here")
    outcome = f"the review of {head}, posted by hand"
    return Run(base, number, gh("user")["login"], head, outcome, f"`make review` of {head}")


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
    comments = gh("--paginate", f"{place}/{run.number}/comments?per_page=100")
    ours = [
        each["id"]
        for each in comments
        if (each["user"] or {}).get("login") == run.author and each["body"].startswith(MARKER)
    ]
    if ours:
        done = gh("--method", "PATCH", f"{place}/comments/{ours[0]}", body=body)
    else:
        done = gh("--method", "POST", f"{place}/{run.number}/comments", body=body)
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
