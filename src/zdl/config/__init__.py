"""params.yaml: which settings there are, and what each may be."""
