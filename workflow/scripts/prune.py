"""`make prune`: delete the stored records of other searches than today's."""

from adapter import one_line
from zdl.pipeline import cache
from zdl.pipeline.paths import Layout

with one_line():
    layout = Layout.of()
    print(f"{cache.prune([*layout.known(), *layout.repeated])} stored records deleted")
