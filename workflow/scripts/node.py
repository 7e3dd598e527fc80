"""What a node of a cluster does before a group of trials: has it what their records are named for?

Where it has not, it says so in one line, before a Snakemake starts there.
"""

import os
import platform
import sys

node = os.environ.get("SLURMD_NODENAME") or platform.node()

try:
    from adapter import one_line

    with one_line():
        from zdl import store
        from zdl.layout import Layout

        store.check_writable()
        plan = Layout.of("params.yaml").plan.path
        if plan.exists():  # where the trials are there, it may not have been made again
            store.check_fit(plan)
except ImportError as error:
    raise SystemExit(f"{node}: {sys.executable} lacks what a trial needs ({error})") from None
except SystemExit as error:
    raise SystemExit(f"{node}: {error}") from None
