"""zdl: the hyper-parameter search of *Deep Learning from Scratch*, chapter 6, as a pipeline.

MNIST -> data.smk -> search.smk (one job a trial) -> replicate.smk -> report.smk -> reports/README.md
All settings are in params.yaml; all file names come from zdl.pipeline.paths.
"""

from snakemake.utils import min_version

min_version("9.27")


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/search.smk"
include: "workflow/rules/replicate.smk"
include: "workflow/rules/captions.smk"
include: "workflow/rules/report.smk"


rule trials:
    """Every record, without the report: the target of DVC's stage of this name."""
    input:
        graph.notes,
        [*map(paths.round_path, paths.rounds)],
        paths.records(),


rule replicates:
    """The best trials, trained again: the target of DVC's stage of this name."""
    input:
        graph.notes,
        [file.path for file in paths.replicates],


rule all:
    """The report and every trial. Snakemake makes a missing trial again only if it is listed here."""
    default_target: True
    input:
        rules.trials.input,
        rules.replicates.input,
        paths.baseline.path,
        paths.weights_manifest.path,
        paths.full_ranking.files,
        [each.files for each in paths.published],
