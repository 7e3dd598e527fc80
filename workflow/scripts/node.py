"""What a node of a cluster does before a group of trials: has it what their records are named for?

Where it has not, it says so in one line, before a Snakemake starts there. It imports what trials import: with
another NumPy, what else there is may not even start.
"""

import os
import platform
import sys
from pathlib import Path

node = os.environ.get("SLURMD_NODENAME") or platform.node()

try:
    from adapter import one_line

    with one_line():
        from zdl.pipeline import cache

        cache.check_writable()
        cache.check_fit(Path("results/plan").glob("*.json"))
except ImportError as error:
    raise SystemExit(f"{node}: {sys.executable} lacks what a trial needs ({error})") from None
except SystemExit as error:
    raise SystemExit(f"{node}: {error}") from None
