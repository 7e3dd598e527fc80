"""The pages under reports/, as bytes: `reports/README.md` and its translation.

The same search gives the same bytes: no time, host, path or duration.
"""

from collections.abc import Sequence

from zdl.analysis.edits import edit_of_ranges
from zdl.analysis.results import Settings, analyse
from zdl.report.context import Words, context
from zdl.report.markdown import render

PAGES = {"README.md": 100, "README.ja.md": None}  # each page, and the width of its paragraphs


def pages(
    settings: Settings,
    table: bytes,
    replicates: Sequence[bytes],
    baseline: bytes,
    held_out: bytes,
    *,
    words: Words,
    image: Sequence[int],
) -> dict[str, bytes]:
    """The pages, by name. They are computed from the results, not from the published tables, which people may
    edit, and which another run may be replacing."""
    analysis = analyse(settings, table, replicates, baseline, held_out)
    edits = {target: edit_of_ranges(settings, analysis.search.space, target) for target in ("wider", "next")}
    facts = context(settings, analysis, edits, words, image)
    return {name: render(name, facts, width).encode() for name, width in PAGES.items()}
