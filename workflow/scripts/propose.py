"""Rule `propose`: the points of one round of a search that learns."""

import argparse
from functools import partial

from adapter import run
from zdl.pipeline import steps

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("name", help="the round's, as its file has it")
args = parser.parse_args()

run(partial(steps.propose, name=args.name))
