"""What a node of a cluster does before a group of trials: check that it has what their records are named for.

If not, it says so in one line, before Snakemake starts there. It imports only what trials import: with
another NumPy, the rest may not even start.
"""

import os
import platform
import sys
from pathlib import Path

node = os.environ.get("SLURMD_NODENAME") or platform.node()

try:
    from adapter import one_line

    with one_line():
        from zdl.pipeline.checks import check_plans, check_writable

        check_writable()
        check_plans(Path("results/plan").glob("*.json"))
except ImportError as error:
    raise SystemExit(f"{node}: {sys.executable} lacks what a trial needs ({error})") from None
except SystemExit as error:
    raise SystemExit(f"{node}: {error}") from None
