"""The search: which points it tries, and how a trial trains a model at one of them."""
