"""Rule and stage `baseline`: a linear model on the same images, for comparison."""

from adapter import run
from zdl.pipeline import steps

run(steps.baseline)
