"""Which points are tried, and what a trial does with one."""
