"""Rule and stage `prepare`: pixels as numbers in [0, 1]."""

from adapter import run
from zdl.pipeline import steps

run(steps.prepare)
