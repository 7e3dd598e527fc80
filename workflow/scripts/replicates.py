"""Stage `replicates`: run Snakemake to train the best trials again, and leave exactly their files."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # PYTHONSAFEPATH leaves it out
from adapter import one_line
from tools import only_run
from zdl.pipeline import cache
from zdl.pipeline.paths import Paths

with one_line(), only_run() as run_if_missing:
    files = Paths.of("params.yaml").replicates
    cache.keep_only_replicates(file.path for file in files)
    code = run_if_missing("replicates", lambda: cache.missing(files))
raise SystemExit(code)
