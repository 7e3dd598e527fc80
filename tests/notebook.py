"""Runs docs/book.ipynb; `python -m tests.notebook` writes the output into it (see test_notebook.py)."""

from pathlib import Path

import nbformat
from nbclient import NotebookClient

PATH = Path(__file__).resolve().parent.parent / "docs/book.ipynb"
KEPT = ("kernelspec",)  # of the metadata: the version of Python would differ between machines


def executed() -> nbformat.NotebookNode:
    """The notebook with the output that it has now."""
    notebook = nbformat.read(PATH, as_version=4)
    NotebookClient(
        notebook,
        timeout=120,
        record_timing=False,
        coalesce_streams=True,  # else the number of outputs depends on when lines are printed
        resources={"metadata": {"path": PATH.parent}},
    ).execute()
    notebook.metadata = {name: notebook.metadata[name] for name in KEPT}
    return notebook


if __name__ == "__main__":
    nbformat.write(executed(), PATH)
