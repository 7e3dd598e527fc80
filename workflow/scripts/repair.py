"""Rule `repair`: move damaged files out of the way, so that they are made again."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # PYTHONSAFEPATH leaves it out
from adapter import one_line, say
from zdl.artifacts.io import write
from zdl.pipeline.paths import Paths
from zdl.pipeline.repair import repair

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("note", type=Path, help="file to write, with a line for each repair")
args = parser.parse_args()

with one_line():
    lines = repair(Paths.of("params.yaml"))
    for line in lines:
        say(line)
    write(args.note, "".join(f"{line}\n" for line in lines).encode())
