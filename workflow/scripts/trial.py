"""Rule `trial`: make the record of one trial, from the cache or by training, then those of the next trials.

`make trial C=7` passes a number instead of a name, and `--verbose`, to train in any case and print the book's
lines.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # PYTHONSAFEPATH leaves it out
from adapter import go_on, one_line
from zdl.artifacts import fingerprint
from zdl.pipeline import cache, records
from zdl.pipeline.planned import find_trial, trials_after

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("name", help="name of the trial in the plan, or its number")
parser.add_argument("--plan", type=Path, help="file of the plan (default: that of params.yaml)")
parser.add_argument("--go-on", metavar="LAST", help="also make the next records, up to this one")
parser.add_argument("--verbose", action="store_true", help="train in any case, and print every loss")
args = parser.parse_args()

with one_line():
    if not args.plan:  # imported only here: a job has a plan, and starts faster without the settings
        from zdl.pipeline.paths import Paths
        from zdl.pipeline.progress import Progress

        paths = Paths.of("params.yaml")
        if args.name.isdecimal():
            args.name = Progress(paths).name_of(int(args.name))
        args.plan = paths.listing(args.name)
    trial = find_trial(args.plan, args.name)
    fingerprint.remember()
    records.end_future([args.plan, *(file.path for file in records.inputs(trial).values())])
    cache.get_or_train(trial, say=print if args.verbose else None, force=args.verbose)
    if args.go_on:
        cache.do_ahead(map(cache.record_job, trials_after(args.plan, args.name, args.go_on)), go_on)
