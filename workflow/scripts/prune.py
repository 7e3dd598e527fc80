"""`make prune`: delete the stored records of other searches than today's."""

from adapter import one_line
from zdl import store
from zdl.layout import Layout

with one_line():
    print(f"{store.prune(Layout.of().known())} stored records deleted")
