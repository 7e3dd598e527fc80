"""Rule and stage `draw_trials`: draw the figures of the trials."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # PYTHONSAFEPATH leaves it out
from adapter import run
from zdl.pipeline import steps

run(steps.draw_trials)
