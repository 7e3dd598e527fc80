"""zdl: the hyper-parameter search of *Deep Learning from Scratch*, chapter 6, as a pipeline.

MNIST -> data.smk -> search.smk (one job a trial) -> confirm.smk -> report.smk -> reports/README.md
All settings stand in params.yaml; all file names come from zdl.layout.
"""

from snakemake.utils import min_version

try:
    import zdl
    from zdl import Error
except ModuleNotFoundError:
    raise SystemExit(
        f"zdl is not installed in {sys.executable}: `. .venv/bin/activate` first (`make run` sets it up)"
    )
zdl.__path__[:] = [f"{workflow.basedir}/src/zdl"]  # as in workflow/scripts/adapter.py
from zdl.layout import RANKED, RENDERED, Layout
from zdl.store import check_writable, mend

min_version("9.27")

if config:
    raise SystemExit(
        f"--config {', '.join(config)}: settings stand in params.yaml and nowhere else"
    )
try:
    layout = Layout.of("params.yaml")
    check_writable()
    for line in mend(layout) if workflow.is_main_process else ():
        print(line, file=sys.stderr)
except (Error, OSError) as error:
    raise SystemExit(str(error))


report: "workflow/report/workflow.rst"


# On a cluster, only `trial` and `confirmation` leave the host where the run was started (profiles/slurm).
localrules:
    all,
    trials,
    confirmations,
    ready,
    download,
    prepare,
    split,
    plan,
    propose,
    aggregate,
    baseline,
    rank,
    weights,
    render,


rule trials:
    """Every record, and no report: what DVC's stage of this name asks for."""
    input:
        [its.path for its in layout.rounds],
        layout.records(),


rule confirmations:
    """The best trials, trained again: DVC's stage of this name."""
    input:
        [its.path for its in layout.confirmed],


rule all:
    """The report, and every trial: Snakemake does not look behind a report that is there."""
    default_target: True
    input:
        rules.trials.input,
        rules.confirmations.input,
        layout.baseline.path,
        [layout.ranked.path, layout.rendered.path, layout.weighted.path],
        [layout.whole, layout.whole_receipt.path],
        [*RANKED, *RENDERED],


include: "workflow/rules/common.smk"
include: "workflow/rules/cluster.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/search.smk"
include: "workflow/rules/confirm.smk"
include: "workflow/rules/shown.smk"
include: "workflow/rules/report.smk"
