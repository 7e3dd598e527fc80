"""Rule and stage `download`: get MNIST's first images and the held-out images."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # PYTHONSAFEPATH leaves it out
from adapter import run
from zdl.pipeline import steps

run(steps.download)
