"""Print the best trials in the book's format, and where the report is. `make run` ends with this."""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # PYTHONSAFEPATH leaves it out
from adapter import one_line
from zdl.analysis import ranking
from zdl.artifacts.encoding import parsing
from zdl.data.scores import Score
from zdl.pipeline.paths import FULL_RANKING, PUBLISHED_PAGES, PUBLISHED_TABLES, REPORTS
from zdl.report.book_lines import best_lines

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("count", type=int, nargs="?", help="how many trials (default: all)")
args = parser.parse_args()

with one_line():
    with parsing(REPORTS / "made_from.json"):
        score = Score.of(json.loads((REPORTS / "made_from.json").read_bytes()))
    published = PUBLISHED_TABLES[0].read_bytes()
    with parsing(PUBLISHED_TABLES[0]):  # a file that people may edit
        frame = ranking.read(published.decode())
        for path in FULL_RANKING.glob("*.csv"):  # it may be of another search
            if (contents := path.read_bytes()).startswith(published):
                frame = ranking.read(contents.decode())
        lines = best_lines(frame, args.count, score="acc" if score.counts else score.title)
    with parsing(REPORTS / "metrics.json"):
        trials = int(json.loads((REPORTS / "metrics.json").read_bytes())["search"]["trials"])
    print("=========== Hyper-Parameter Optimization Result ===========")
    print(*lines, sep="\n")
    if len(frame) < min(trials, args.count or trials):
        print(
            f"\nthe other {trials - len(frame)}: in {FULL_RANKING} (made by a run, or pulled by `dvc pull`)"
        )
    trials_text = f"all {trials} trials" if trials > 1 else "the only trial"
    print(f"\nthe report of {trials_text}: {PUBLISHED_PAGES[0]}")
