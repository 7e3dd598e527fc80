"""Rule and stage `weights`: train the best trial once more and save its weights."""

from adapter import run
from zdl.pipeline import steps

run(steps.weights)
