"""The page of `make explore`: every trial of a search, in one file that needs no network."""
