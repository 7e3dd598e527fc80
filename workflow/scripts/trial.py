"""Rule `trial`: the record of one trial, from the store or by training it.

`make trial C=7` calls it with a number instead of a name: trains in any case, and prints the book's lines.
"""

import argparse
from pathlib import Path

from adapter import one_line
from zdl import store

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("name", help="the trial's name in the plan, or just its number")
parser.add_argument("--plan", type=Path, help="the plan's file (by default, that of params.yaml)")
parser.add_argument("--verbose", action="store_true", help="train in any case, and print each step's loss")
args = parser.parse_args()

with one_line():
    if not args.plan:
        from zdl.layout import Layout

        layout = Layout.of("params.yaml")
        args.plan = layout.plan.path
        if args.name.isdecimal():  # whatever the plan holds under it, the name is today's trial's
            args.name = dict(enumerate(layout.trials)).get(int(args.name), args.name)
    trial = store.planned(args.plan, args.name)
    store.obtain(trial, say=print if args.verbose else None, anew=args.verbose)
