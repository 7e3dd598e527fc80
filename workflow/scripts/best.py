"""`make run` ends with this: the best trials, in the book's words, and where the report is."""

import argparse

from adapter import one_line
from zdl import ranking
from zdl.layout import RANKED, RENDERED

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("count", type=int, nargs="?", help="how many of them (all)")
args = parser.parse_args()

with one_line():
    frame = ranking.read(RANKED[0].read_text("utf-8"))
    print("=========== Hyper-Parameter Optimization Result ===========")
    print(*ranking.best_lines(frame, args.count), sep="\n")
    print(f"\nthe report of all {len(frame)} trials: {RENDERED[0]}")
