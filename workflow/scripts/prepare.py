"""Rule and stage `prepare`: scale the pixels to [0, 1]."""

from adapter import run
from zdl.pipeline import steps

run(steps.prepare)
