"""Rule and stage `draw_replicates`: draw the figures of the replicates."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # PYTHONSAFEPATH leaves it out
from adapter import run
from zdl.pipeline import steps

run(steps.draw_replicates)
