"""The example reviews of docs/reviews/: three edits of params.yaml, each made for real in a clone of HEAD.

    python bench/reviews.py

A few minutes: 21, 50 and 100 trials are trained, and what of the best was never repeated.
"""

import shutil
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.engines import Clone

OUT = ROOT / "docs/reviews"
EDITS = {
    "widen-lr": lambda clone: clone.search(lr=(1e-6, 1e-1)),  # the edit that README.md makes
    "more-trials": lambda clone: clone.edit(search={"trials": 150}),
    "adam": lambda clone: clone.edit(training={"optimizer": "adam"}),
}


def example(name: str, clone: Clone) -> None:
    """The review of one edit, and its figures, under docs/reviews/."""
    clone.run("git", "checkout", "--quiet", "-B", name, "main")
    time.sleep(1)  # a file edited within the second after a checkout can look unchanged to Git
    EDITS[name](clone)
    clone.timeout = 1800
    clone.engine("dvc")
    clone.commit()
    shutil.rmtree(OUT / name, ignore_errors=True)
    clone.run("python", "workflow/scripts/review.py", "main", name)
    shutil.copytree(clone.path / "review", OUT / name)
    print(f"{name}: {len(clone.trained())} trials trained")


with tempfile.TemporaryDirectory() as folder:
    clone = Clone(Path(folder) / "zdl")
    clone.path.parent.mkdir(exist_ok=True)
    Clone(ROOT).run("git", "clone", "--quiet", str(ROOT), str(clone.path))
    for part in ("data", "results", ".zdl"):
        shutil.copytree(ROOT / part, clone.path / part)
    clone.run("git", "checkout", "--quiet", "-B", "main")
    for name in EDITS:
        example(name, clone)
