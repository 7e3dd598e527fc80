"""Reads and checks params.yaml: which settings there are, and what values each may have."""
