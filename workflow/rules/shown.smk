# What stands where in the HTML report (`make report`), and its numbers.

import json
from pathlib import Path

# By the name of each file under reports/, without its suffix: the part it belongs to, and what it shows.
# Its caption, workflow/report/<name>.rst, says what to look at in it.
PARTS = {
    "best20": ("1 The best", "learning curves of the best"),
    "leaders": ("1 The best", "how sure each place is"),
    "ranking": ("1 The best", "the trials, best first"),
    "curves": ("1 The best", "learning curves, point by point"),
    "metrics": ("1 The best", "the search in a few numbers"),
    "made_from": ("1 The best", "what decided the numbers"),
    "search": ("2 The whole search", "every trial"),
    "slices": ("2 The whole search", "each hyper-parameter by itself"),
    "space": ("2 The whole search", "where to search next"),
    "budget": ("3 What it is worth", "the best after so many trials"),
    "confirmed": ("3 What it is worth", "what survives training again"),
    "mistakes": ("3 What it is worth", "what is taken for what"),
    "README": ("4 The page", "all of it in words"),
    "README.ja": ("4 The page", "all of it in words, in Japanese"),
}
KINDS = {".png": "PNG", ".svg": "SVG", ".csv": "table", ".json": "JSON", ".md": "text"}


def shown(paths):
    """The files, marked for the HTML report; the mark changes nothing of how they are made."""
    for path in paths:
        part, shows = PARTS[path.stem]
        yield report(
            path,
            caption=f"../report/{path.stem}.rst",
            category=part,
            labels={"shows": shows, "as": KINDS[path.suffix]},
        )


def found():
    """The search in a few numbers, for the first page of the HTML report."""
    return json.loads(Path("reports/metrics.json").read_text())
