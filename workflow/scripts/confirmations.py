"""Stage `confirmations`: Snakemake has the best trials trained again; then exactly their files are there."""

from adapter import alone, one_line
from zdl import store
from zdl.files import read
from zdl.layout import Layout

with one_line(), alone() as snakemake:
    wanted = Layout.of("params.yaml").confirmed
    store.keep_only_repeats(file.path for file in wanted)
    code = snakemake("confirmations")
    for file in wanted:
        read(file)
raise SystemExit(code)
