"""Rule `propose`: the points of one round of a search that learns."""

import argparse
from functools import partial

from adapter import run
from zdl import steps

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("number", type=int, help="the round's, from 1: the first one, 0, is in the plan")
args = parser.parse_args()

run(partial(steps.propose, number=args.number))
