"""The page of `make explore`: every trial of a search, in one HTML file that a browser opens without a network."""
