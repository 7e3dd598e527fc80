"""Stage `confirmations`: Snakemake has the best trials trained again; then exactly their files are there."""

from adapter import alone, one_line
from zdl import confirm
from zdl.files import read_json
from zdl.layout import Layout

with one_line(), alone() as snakemake:
    wanted = Layout.of("params.yaml").confirmed
    confirm.keep_only(file.path for file in wanted)
    code = snakemake("confirmations")
    for file in wanted:
        read_json(*file)
raise SystemExit(code)
