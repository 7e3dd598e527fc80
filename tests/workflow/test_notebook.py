"""docs/book.ipynb: it runs, and gives the output that is committed; nothing of a machine is in it."""

import json

import nbformat

from tests import notebook
from tests.engines import of_the_book


@of_the_book
def test_the_notebook_gives_its_output_again():
    assert notebook.executed() == nbformat.read(notebook.PATH, as_version=4)


def test_the_notebook_holds_no_time_path_or_version():
    contents = json.loads(notebook.PATH.read_text("utf-8"))
    assert contents["metadata"].keys() == {"kernelspec"}
    for cell in contents["cells"]:
        assert cell["metadata"] == {}
        assert not any(output["output_type"] == "error" for output in cell.get("outputs", ()))
        assert not any(output.get("name") == "stderr" for output in cell.get("outputs", ()))
        assert str(notebook.PATH.parent.parent) not in json.dumps(cell)


def test_what_the_loop_lacks_is_seen_in_the_output():
    """The page says that two runs differ, and that zdl's curves are the book's."""
    said = {
        cell.source: "".join(output.get("text", "") for output in cell.outputs)
        for cell in nbformat.read(notebook.PATH, as_version=4).cells
        if cell.cell_type == "code"
    }
    runs = [text for source, text in said.items() if source.endswith("search()")]
    assert len(runs) == 2 and len({*runs}) == 2
    (same,) = (text for text in said.values() if text.startswith("validation:"))
    assert same == "validation: True\ntraining:   True\n"
