"""Files: written in one step, checked when read, and named by a digest of all that determines them."""
