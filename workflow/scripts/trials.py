"""Stage `trials`: run Snakemake to make the missing records, and leave exactly those of this search."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # PYTHONSAFEPATH leaves it out
from adapter import one_line
from tools import only_run
from zdl.pipeline import cache
from zdl.pipeline.paths import Paths
from zdl.pipeline.progress import Progress

with one_line(), only_run() as run_if_missing:
    paths = Paths.of("params.yaml")
    cache.keep_only_records([*paths.records(), *map(paths.round_path, paths.rounds)])
    code = run_if_missing("trials", lambda: Progress(paths).missing_records())
raise SystemExit(code)
