"""Rule and stage `split`: shuffle the images with a seed and split them into training and validation."""

from adapter import run
from zdl.pipeline import steps

run(steps.split)
