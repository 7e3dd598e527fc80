"""Rule `replicate`: train one of the best trials again, then do the same for the next jobs."""

import argparse
import sys
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # PYTHONSAFEPATH leaves it out
from adapter import go_on, run
from zdl.pipeline import steps

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("name", help="name of the file of the replicate")
args = parser.parse_args()

run(partial(steps.replicate, name=args.name, go_on=go_on))
