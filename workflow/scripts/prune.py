"""`make prune`: delete the stored records of other searches than today's."""

from adapter import one_line
from zdl.pipeline import cache
from zdl.pipeline.paths import Paths

with one_line():
    paths = Paths.of()
    print(f"{cache.prune([*paths.known(), *paths.all_replicates])} stored records deleted")
