"""The pages and figures under reports/, from the tables of `zdl.analysis`."""
