"""Rows with labels: where they come from, how they are split, and how answers to them are scored."""
