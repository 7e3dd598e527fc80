"""zdl: the hyper-parameter search of *Deep Learning from Scratch*, chapter 6, as a pipeline.

MNIST -> data.smk -> search.smk (one job a trial) -> confirm.smk -> report.smk -> reports/README.md
All settings are in params.yaml; all file names come from zdl.pipeline.paths.
"""

from snakemake.utils import min_version

min_version("9.27")


report: "workflow/report/workflow.rst"


include: "workflow/rules/layout.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/search.smk"
include: "workflow/rules/confirm.smk"
include: "workflow/rules/shown.smk"
include: "workflow/rules/report.smk"


rule trials:
    """Every record, and no report: what DVC's stage of this name asks for."""
    input:
        repairs.notes,
        [each.path for each in layout.rounds],
        layout.records(),


rule confirmations:
    """The best trials, trained again: DVC's stage of this name."""
    input:
        repairs.notes,
        [file.path for file in layout.confirmed],


rule all:
    """The report, and every trial: Snakemake does not look behind a report that is there."""
    default_target: True
    input:
        rules.trials.input,
        rules.confirmations.input,
        layout.baseline.path,
        layout.weighted.path,
        [*RANKED, layout.ranked.path],
        [*layout.whole.published.values(), layout.whole.path],
        [*RENDERED, layout.rendered.path],
