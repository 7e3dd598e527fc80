"""Check a node of a cluster before a group of trials: its code and libraries must be those of the plan.

If they are not, fail with one line, before Snakemake starts there. This script imports only what trials
import, since other imports may fail with another version of NumPy.
"""

import os
import platform
import sys
from pathlib import Path

node = os.environ.get("SLURMD_NODENAME") or platform.node()

sys.path.insert(0, str(Path(__file__).parent))  # PYTHONSAFEPATH leaves it out
try:
    from adapter import one_line

    with one_line():
        from zdl.pipeline.checks import check_plans, check_writable
        from zdl.pipeline.records import REPLICATES, TRIALS

        check_writable([str(TRIALS / "any"), str(REPLICATES / "any")], [])
        check_plans(Path("results/plan").glob("*.json"))
except ImportError as error:
    raise SystemExit(f"{node}: {sys.executable} lacks what a trial needs ({error})") from None
except SystemExit as error:
    raise SystemExit(f"{node}: {error}") from None
