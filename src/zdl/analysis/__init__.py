"""What the trials tell, and how surely: tables, in one typed result (`zdl.analysis.results`). No drawing."""
