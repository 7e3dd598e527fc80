"""`make review BASE=main`: review what changed between two revisions, or a revision and the working tree.

The review is Markdown. It is printed, and written to review/ with its figures and a page of all trials.
"""

import argparse
import sys
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # PYTHONSAFEPATH leaves it out
import on_record
from adapter import one_line
from tools import commit, read_at, require_git
from zdl import Error
from zdl.artifacts.encoding import parsing
from zdl.artifacts.io import write
from zdl.config.problem import declarations_of
from zdl.config.settings import load
from zdl.report import compare, sides
from zdl.report.explore.page import review_page
from zdl.report.figures.base import png
from zdl.report.figures.overlay import overlay
from zdl.report.figures.scale import Scale

OUT = Path("review")


def here(path: str) -> bytes | None:
    return Path(path).read_bytes() if Path(path).is_file() else None


def side(name: str, files: sides.Files) -> sides.Side:
    """One side of the review, with the names of its files that differ from its dvc.lock."""
    if (lock := files("dvc.lock")) is None:
        raise Error(f"dvc.lock: is not in {name} (needed: a commit with its report)")
    with parsing(f"{name}:dvc.lock"):
        stale = on_record.stale(lock, files)
    return sides.read(name, files, stale, declarations_of)


def full_name(revision: str) -> str:
    """The full name of a revision that the user named. Raises an `Error` if there is none."""
    if (name := commit(revision)) is None:
        raise Error(f"BASE or HEAD: {revision} is not a revision here (allowed: a branch, a tag or a commit)")
    return name


parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("base", help="a revision")
parser.add_argument("head", nargs="?", help="another one (the working tree)")
parser.add_argument("--raw", help="the address at which a host serves the files of commits")
args = parser.parse_args()

with one_line():
    require_git("make review")
    if not args.head:
        load("params.yaml")  # refuses wrong settings; those of a commit may follow another schema
    base, head = full_name(args.base), full_name(args.head) if args.head else None
    files = partial(read_at, base), partial(read_at, head) if head else here
    name = args.head or "working tree"
    name = head[:12] if name == head else name  # the full name would be too wide
    old, new = side(args.base, files[0]), side(name, files[1])
    trials, names = compare.overlaid(old, new)
    links = {"old": "best20-old.png", "new": "best20-new.png", "overlay": "overlay.png"}
    write(OUT / links["old"], old.figure)
    write(OUT / links["new"], new.figure)
    if names:
        spaces = (old.settings["search"]["space"], new.settings["search"]["space"])
        scale = Scale.of(new.score, old.scores, new.scores)
        write(OUT / links["overlay"], png(overlay(trials, spaces, names, scale)))
    links["explore"] = "" if args.raw else "explore.html"  # a host serves the files of commits only
    if args.raw and head:
        links |= {
            side: f"{args.raw}/{revision}/reports/best20.png"
            for side, revision in (("old", base), ("new", head))
        }
    with parsing("reports/curves.csv"):
        explorer = review_page(old, new, [each("reports/curves.csv") for each in files])
    write(OUT / "explore.html", explorer)
    text = compare.page(old, new, links, axes=len(names))
    write(OUT / "review.md", text.encode())
    print(text, end="")
