"""Rule and stage `split`: the seeded shuffle into training and validation images."""

from adapter import run
from zdl.pipeline import steps

run(steps.split)
