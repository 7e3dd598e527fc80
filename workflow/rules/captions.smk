# Labels and captions of the files under reports/ in the HTML report (`make report`).

import csv
import json
from pathlib import Path

# For each file under reports/, by its name without the suffix: its part of the HTML report, and its content.
# Its caption is workflow/report/<name>.rst.
PARTS = {
    "best20": ("1 The best", "learning curves of the best trials"),
    "leaders": ("1 The best", "how certain each rank is"),
    "ranking": ("1 The best", "the trials, best first"),
    "curves": ("1 The best", "learning curves, point by point"),
    "metrics": ("1 The best", "the search in a few numbers"),
    "made_from": ("1 The best", "what determined the numbers"),
    "search": ("2 The whole search", "every trial"),
    "slices": ("2 The whole search", "each hyper-parameter by itself"),
    "space": ("2 The whole search", "where to search next"),
    "budget": ("3 How far to trust it", "the best by number of trials"),
    "confirmed": ("3 How far to trust it", "the best trials, trained again"),
    "mistakes": ("3 How far to trust it", "what the best mistakes"),
    "README": ("4 The page", "the report as text"),
    "README.ja": ("4 The page", "the report as text, in Japanese"),
}
KINDS = {".png": "PNG", ".svg": "SVG", ".csv": "table", ".json": "JSON", ".md": "text"}


def mark_for_report(files):
    """Mark those under reports/ for the HTML report; the mark does not change how they are made."""
    for path in files:
        part, shows = PARTS.get(path.stem, ("5 More", path.stem))
        yield (
            path
            if path.parts[0] != "reports"
            else report(
                path,
                caption=f"../report/{path.stem}.rst" if path.stem in PARTS else None,
                category=part,
                labels={"shows": shows, "as": KINDS[path.suffix]},
            )
        )


def metrics():
    """The search in a few numbers, for the first page of the HTML report."""
    return json.loads(Path("reports/metrics.json").read_text())


def ties():
    """How many trials have the same score as the best one."""
    with open("reports/ranking.csv", newline="") as file:
        scores = [
            row["val_acc"]
            for row in csv.DictReader(file)
            if row["status"] == "finished"
        ]
    return scores.count(scores[0]) - 1 if scores else 0
