# From the records to the committed report.
# needs: results/plan, results/trials, results/confirmed, results/baseline
# makes: results/table, results/ranking, reports/, results/best.npz, and the manifests that vouch for what has
# no seal of its own (results/manifests)


rule aggregate:
    """Every record, checked, in one table."""
    input:
        ancient(layout.plan.path),
        ancient(layout.split.path),
        [ancient(each.path) for each in layout.rounds],
        [ancient(record) for record in layout.records()],
        repairs.before(layout.table.path),
    output:
        update(layout.table.path),
    log:
        "logs/aggregate.log",
    benchmark:
        "benchmarks/aggregate.tsv"
    resources:
        mem_mb=500,
    shell:
        "python workflow/scripts/aggregate.py 2> {log}"


rule rank:
    """Trials by validation accuracy, ties in trial order; what the search found, and what survived, in tables."""
    input:
        ancient(layout.table.path),
        ancient(layout.held_out.path),
        ancient(layout.baseline.path),
        [ancient(each.path) for each in layout.confirmed],
        repairs.before(layout.ranked.path, layout.whole.path),
    output:
        update(
            [
                *shown(RANKED),
                layout.ranked.path,
                *layout.whole.published.values(),
                layout.whole.path,
            ]
        ),
    log:
        "logs/rank.log",
    benchmark:
        "benchmarks/rank.tsv"
    resources:
        mem_mb=500,
    shell:
        "python workflow/scripts/rank.py 2> {log}"


rule weights:
    """The best trial's network, trained once more to keep its weights: results/best.npz."""
    input:
        ancient(layout.table.path),
        ancient(layout.split.path),
        repairs.before(layout.weighted.path),
    output:
        update(layout.weighted.path),
    log:
        "logs/weights.log",
    benchmark:
        "benchmarks/weights.tsv"
    resources:
        mem_mb=500,
    shell:
        "python workflow/scripts/weights.py 2> {log}"


rule render:
    """The figures and the page that shows them."""
    input:
        ancient(layout.table.path),
        ancient(layout.held_out.path),
        ancient(layout.baseline.path),
        [ancient(each.path) for each in layout.confirmed],
        repairs.before(layout.rendered.path),
    output:
        update([*shown(RENDERED), layout.rendered.path]),
    log:
        "logs/render.log",
    benchmark:
        "benchmarks/render.tsv"
    resources:
        mem_mb=500,
    shell:
        "python workflow/scripts/render.py 2> {log}"
