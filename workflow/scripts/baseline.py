"""Rule and stage `baseline`: a linear model on the same rows, for comparison."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # PYTHONSAFEPATH leaves it out
from adapter import run
from zdl.pipeline import steps

run(steps.baseline)
