"""Files that are written atomically, checked when read, and named by a digest of all that determines them."""
