"""Runs docs/book.ipynb. `python -m tests.notebook` writes the output into it and its Japanese sibling."""

from pathlib import Path

import nbformat
from nbclient import NotebookClient

DOCS = Path(__file__).resolve().parent.parent / "docs"
ENGLISH, JAPANESE = DOCS / "book.ipynb", DOCS / "book.ja.ipynb"


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def executed() -> nbformat.NotebookNode:
    """The English notebook with the output that it has now."""
    notebook = read(ENGLISH)
    NotebookClient(
        notebook,
        timeout=120,
        record_timing=False,
        coalesce_streams=True,  # else the number of outputs depends on when lines are printed
        resources={"metadata": {"path": DOCS}},
    ).execute()
    del notebook.metadata["language_info"]  # with the version of Python
    return notebook


def code(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


if __name__ == "__main__":
    english, japanese = executed(), read(JAPANESE)
    for cell, same in zip(code(japanese), code(english), strict=True):
        cell.update(same)
    nbformat.write(english, ENGLISH)
    nbformat.write(japanese, JAPANESE)
