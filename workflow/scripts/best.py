"""`make run` ends with this: the best trials, in the book's words, and where the report is."""

import argparse

from adapter import one_line
from zdl import ranking
from zdl.files import parsing
from zdl.layout import RANKED, RENDERED

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("count", type=int, nargs="?", help="how many of them (all)")
args = parser.parse_args()

with one_line():
    with parsing(RANKED[0]):  # a file that people may edit
        frame = ranking.read(RANKED[0].read_text("utf-8"))
        lines = ranking.best_lines(frame, args.count)
    print("=========== Hyper-Parameter Optimization Result ===========")
    print(*lines, sep="\n")
    print(f"\nthe report of all {len(frame)} trials: {RENDERED[0]}")
