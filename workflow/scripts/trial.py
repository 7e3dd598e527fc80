"""Rule `trial`: the record of one trial, from the store or by training it; then of those that are next in the
plan.

`make trial C=7` calls it with a number instead of a name: trains in any case, and prints the book's lines.
"""

import argparse
import os
import time
from pathlib import Path

from adapter import one_line
from zdl.artifacts import fingerprint
from zdl.pipeline import cache

SECONDS = 5  # from its start, after which a process begins no other trial: progress is seen so often

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("name", help="the trial's name in the plan, or just its number")
parser.add_argument("--plan", type=Path, help="the plan's file (by default, that of params.yaml)")
parser.add_argument(
    "--go-on", metavar="LAST", help="have those that come next, up to this one, ready for jobs"
)
parser.add_argument("--verbose", action="store_true", help="train in any case, and print each step's loss")
args = parser.parse_args()
end, parent = time.monotonic() + SECONDS, os.getppid()

with one_line():
    if not args.plan:
        from zdl.pipeline.paths import Paths

        paths = Paths.of("params.yaml")
        if args.name.isdecimal():
            args.name = paths.named(int(args.name))
        args.plan = paths.listing(args.name)
    trial = cache.planned(args.plan, args.name)
    fingerprint.remember()
    cache.end_future([args.plan, *(file.path for file in trial.inputs.values())])
    cache.get_or_train(trial, say=print if args.verbose else None, anew=args.verbose)
    if args.go_on:
        going = cache.following(args.plan, args.name, args.go_on)
        cache.train_ahead(going, lambda: time.monotonic() < end and os.getppid() == parent)
