"""`make explore`: write explore.html, a page with every trial of the search that needs no network."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # PYTHONSAFEPATH leaves it out
from adapter import one_line
from zdl import Error
from zdl.artifacts.encoding import CorruptFileError
from zdl.artifacts.io import read, write
from zdl.pipeline.paths import Paths
from zdl.report.explore.page import search_page

OUT = Path("explore.html")

with one_line():
    paths = Paths.of("params.yaml")
    try:
        table, held_out = read(paths.table), read(paths.held_out)
        replicates = [read(each) for each in paths.replicates]
    except CorruptFileError as error:
        raise Error(f"{error}; `make run` makes it for these settings, `make pull` downloads it") from None
    write(OUT, search_page(paths.settings, table, replicates, held_out, paths.words))
    print(f"{OUT}: open it in a browser (it needs no network)")
