"""The book's network in NumPy: layers, network, optimizers, trainer."""
