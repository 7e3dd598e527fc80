"""docs/book.ipynb and its Japanese sibling: the code gives the output that is committed, and nothing of a
machine is in it."""

import json

import pytest

from tests import notebook
from tests.engines import of_the_book


@of_the_book
def test_the_notebook_gives_its_output_again():
    assert notebook.executed() == notebook.read(notebook.ENGLISH)


def test_both_languages_have_the_same_code_and_output():
    english, japanese = map(notebook.read, (notebook.ENGLISH, notebook.JAPANESE))
    assert notebook.code(japanese) == notebook.code(english)
    kinds = [[cell.cell_type for cell in each.cells] for each in (english, japanese)]
    assert kinds[0] == kinds[1]


@pytest.mark.parametrize("path", [notebook.ENGLISH, notebook.JAPANESE], ids=lambda path: path.name)
def test_a_notebook_holds_no_time_path_or_version(path):
    contents = json.loads(path.read_text("utf-8"))
    assert contents["metadata"].keys() == {"kernelspec"}
    for cell in contents["cells"]:
        assert cell["metadata"] == {}
        assert not any(output["output_type"] == "error" for output in cell.get("outputs", ()))
        assert not any(output.get("name") == "stderr" for output in cell.get("outputs", ()))
        assert str(notebook.DOCS.parent) not in json.dumps(cell)


def test_what_the_loop_lacks_is_seen_in_the_output():
    """The page says that two runs differ, and that zdl's curves are the book's."""
    printed = {
        cell.source: "".join(output.get("text", "") for output in cell.outputs)
        for cell in notebook.code(notebook.read(notebook.ENGLISH))
    }
    runs = [text for source, text in printed.items() if source.endswith("search()")]
    assert len(runs) == 2 and len({*runs}) == 2
    (same,) = (text for text in printed.values() if text.startswith("validation:"))
    assert same == "validation: True\ntraining:   True\n"
