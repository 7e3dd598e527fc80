"""Rule and stage `baseline`: what a linear model makes of the same images."""

from adapter import run
from zdl.pipeline import steps

run(steps.baseline)
