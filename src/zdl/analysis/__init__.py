"""Tables of what the trials show, in one typed result (`zdl.analysis.results`). Nothing here draws."""
