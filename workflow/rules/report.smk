# From the records to the committed report.
# needs: results/plan, results/trials, results/replicates, results/baseline
# makes: results/table, results/ranking, reports/, results/best.npz, and manifests with the checksums of the files
# that have none of their own (results/manifests)


rule aggregate:
    """Check all records and collect them in one table."""
    input:
        ancient(paths.plan.path),
        ancient(paths.split.path),
        [ancient(paths.round_path(place)) for place in paths.rounds],
        [ancient(record) for record in paths.records()],
        graph.repair_notes(paths.table.path),
    output:
        update(paths.table.path),
    log:
        "logs/aggregate.log",
    benchmark:
        "benchmarks/aggregate.tsv"
    resources:
        mem_mb=500,
    shell:
        "python workflow/scripts/aggregate.py 2> {log}"


rule rank:
    """Write the tables of the report. Trials are ranked by validation score, ties in trial order."""
    input:
        ancient(graph.inputs([paths.rank_manifest])),
        graph.repair_notes(paths.rank_manifest.path, paths.full_ranking.path),
    output:
        update([*mark_for_report(paths.rank_manifest.files), *paths.full_ranking.files]),
    log:
        "logs/rank.log",
    benchmark:
        "benchmarks/rank.tsv"
    resources:
        mem_mb=500,
    shell:
        "python workflow/scripts/rank.py 2> {log}"


rule weights:
    """Train the best trial once more and save its weights in results/best.npz."""
    input:
        ancient(paths.table.path),
        ancient(paths.split.path),
        graph.repair_notes(paths.weights_manifest.path),
    output:
        update(paths.weights_manifest.files),
    log:
        "logs/weights.log",
    benchmark:
        "benchmarks/weights.tsv"
    priority: 2
    resources:
        mem_mb=500,
    shell:
        "python workflow/scripts/weights.py 2> {log}"


rule draw_trials:
    """Draw the figures of the trials, in one process: importing libraries takes longer than drawing."""
    input:
        ancient(graph.inputs(paths.trial_figures)),
        graph.repair_notes(*(figure.path for figure in paths.trial_figures)),
    output:
        update([mark_for_report(figure.files) for figure in paths.trial_figures]),
    log:
        "logs/draw_trials.log",
    benchmark:
        "benchmarks/draw_trials.tsv"
    priority: 2  # like `weights`, before the replicates, so that less is left for the end
    resources:
        mem_mb=500,
    shell:
        "python workflow/scripts/draw_trials.py 2> {log}"


rule draw_replicates:
    """Draw the figures of the replicates."""
    input:
        ancient(graph.inputs(paths.replicate_figures)),
        graph.repair_notes(*(figure.path for figure in paths.replicate_figures)),
    output:
        update([mark_for_report(figure.files) for figure in paths.replicate_figures]),
    log:
        "logs/draw_replicates.log",
    benchmark:
        "benchmarks/draw_replicates.tsv"
    priority: 1  # first of the last jobs, since it takes longest
    resources:
        mem_mb=500,
    shell:
        "python workflow/scripts/draw_replicates.py 2> {log}"


rule pages:
    """Write the pages of the report."""
    input:
        ancient(graph.inputs([paths.pages_manifest])),
        graph.repair_notes(paths.pages_manifest.path),
    output:
        update(mark_for_report(paths.pages_manifest.files)),
    log:
        "logs/pages.log",
    benchmark:
        "benchmarks/pages.tsv"
    resources:
        mem_mb=500,
    shell:
        "python workflow/scripts/pages.py 2> {log}"
