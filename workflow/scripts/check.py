"""`make check`: are reports/ and dvc.lock what params.yaml and the code give? Nothing is trained to tell.

Only what Git carries is needed, so that it works in a fresh clone. With `--full` everything is made anew
instead, in a copy of the working tree (also of what is not committed yet) without reports/ and dvc.lock, and
compared byte for byte.

A line a finding: the file, what is wrong with it, and the command that mends it. Exit code 1 if there is any.
"""

import argparse

from adapter import one_line
from on_record import LOCK, check, retrain
from zdl.pipeline.paths import REPORTS

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--full", action="store_true", help="train everything anew, and compare")
args = parser.parse_args()

with one_line():
    findings = check()
    if args.full and not findings:
        findings = retrain()
    if findings:
        print(*findings, sep="\n")
        raise SystemExit(1)
    if args.full:
        print(f"{REPORTS}/ and {LOCK} are, byte for byte, what training everything anew gives")
    else:
        print(f"{REPORTS}/ and {LOCK} are what params.yaml and the code give, by their checksums")
        print("not looked at: whether training gives the same numbers again (`make check FULL=1` trains)")
