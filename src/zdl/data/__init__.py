"""Rows with labels: loaded, prepared and split; and where MNIST's images come from."""
