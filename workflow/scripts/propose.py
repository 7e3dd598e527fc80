"""Rule `propose`: choose the points of one round of a Bayesian search."""

import argparse
from functools import partial

from adapter import run
from zdl.pipeline import steps

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("name", help="name of the round, that is, of its file")
args = parser.parse_args()

run(partial(steps.propose, name=args.name))
