"""Rule and stage `split`: shuffle the rows with a seed and split them into training and validation."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # PYTHONSAFEPATH leaves it out
from adapter import run
from zdl.pipeline import steps

run(steps.split)
