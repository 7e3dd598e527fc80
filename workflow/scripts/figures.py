"""Stage `figures`: run Snakemake to draw the figures, and leave exactly their manifests."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # PYTHONSAFEPATH leaves it out
from adapter import one_line
from tools import have, only_run
from zdl.pipeline.paths import Paths
from zdl.pipeline.steps import leave_only

with one_line(), only_run() as snakemake:
    manifests = list(Paths.of("params.yaml").figures.values())
    leave_only(*(each.path for each in manifests))
    code = have(manifests, snakemake, "figures")
raise SystemExit(code)
