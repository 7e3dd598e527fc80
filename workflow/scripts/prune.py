"""`make prune`: delete the stored records of other searches than today's."""

from adapter import one_line
from zdl import store
from zdl.layout import Layout

with one_line():
    layout = Layout.of()
    print(f"{store.prune([*layout.known(), *layout.repeated])} stored records deleted")
