"""`make check`: check that reports/ and dvc.lock match params.yaml and the code, without training.

The check needs only what Git carries, so it works in a fresh clone. With `--full`, it also makes everything
again in a copy of the working tree (uncommitted changes included) without reports/ and dvc.lock, and compares
byte for byte.

It prints one line per finding: the file, what is wrong with it, and the command that fixes it. The exit code
is 1 if there is any finding.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # PYTHONSAFEPATH leaves it out
from adapter import one_line
from on_record import LOCK, check, retrain
from zdl.pipeline.paths import REPORTS

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--full", action="store_true", help="train everything again, and compare")
args = parser.parse_args()

with one_line():
    findings = check()
    if args.full and not findings:
        findings = retrain()
    if findings:
        print(*findings, sep="\n")
        raise SystemExit(1)
    if args.full:
        print(f"{REPORTS}/ and {LOCK} are byte for byte what training everything again gives")
    else:
        print(f"{REPORTS}/ and {LOCK} match params.yaml and the code, by their checksums")
        print("not checked: whether training gives the same numbers again (`make check FULL=1` trains)")
