"""`make prune`: delete the cached records of all searches but the current one."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # PYTHONSAFEPATH leaves it out
from adapter import one_line
from zdl.pipeline import cache
from zdl.pipeline.paths import Paths
from zdl.pipeline.progress import Progress

with one_line():
    progress = Progress(Paths.of())
    print(f"{cache.prune([*progress.all_trials(), *progress.replicates()])} cached records deleted")
