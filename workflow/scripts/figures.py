"""Stage `figures`: run Snakemake to draw the figures, and leave exactly their manifests."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # PYTHONSAFEPATH leaves it out
from adapter import one_line
from tools import only_run
from zdl import Error
from zdl.pipeline.paths import Paths
from zdl.pipeline.steps import is_whole, leave_only

with one_line(), only_run() as snakemake:
    manifests = Paths.of("params.yaml").figures
    leave_only(*(each.path for each in manifests.values()))
    code = snakemake("figures")
    for name, each in manifests.items():
        if not is_whole(each):
            raise Error(f"{name}: its files are missing or damaged")
raise SystemExit(code)
