"""Rule `propose`: choose the points of one round of a search that learns."""

import argparse
import sys
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # PYTHONSAFEPATH leaves it out
from adapter import run
from zdl.pipeline import steps

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("name", help="name of the round, that is, of its file")
args = parser.parse_args()

run(partial(steps.propose, name=args.name))
