"""The steps that the rules run: each reads files, computes, and writes files."""
