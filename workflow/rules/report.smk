# From the records to the committed report.
# needs: results/plan, results/trials, results/replicates, results/baseline
# makes: results/table, results/ranking, reports/, results/best.npz, and the manifests that vouch for what has
# no seal of its own (results/manifests)


import json
from pathlib import Path

# By the name of each file under reports/, without its suffix: the part it belongs to, and what it shows.
# Its caption, workflow/report/<name>.rst, says what to look at in it.
PARTS = {
    "best20": ("1 The best", "learning curves of the best"),
    "leaders": ("1 The best", "how sure each place is"),
    "ranking": ("1 The best", "the trials, best first"),
    "curves": ("1 The best", "learning curves, point by point"),
    "metrics": ("1 The best", "the search in a few numbers"),
    "made_from": ("1 The best", "what decided the numbers"),
    "search": ("2 The whole search", "every trial"),
    "slices": ("2 The whole search", "each hyper-parameter by itself"),
    "space": ("2 The whole search", "where to search next"),
    "budget": ("3 What it is worth", "the best after so many trials"),
    "confirmed": ("3 What it is worth", "what survives training again"),
    "mistakes": ("3 What it is worth", "what is taken for what"),
    "README": ("4 The page", "all of it in words"),
    "README.ja": ("4 The page", "all of it in words, in Japanese"),
}
KINDS = {".png": "PNG", ".svg": "SVG", ".csv": "table", ".json": "JSON", ".md": "text"}


def shown(paths):
    """The files, marked for the HTML report; the mark changes nothing of how they are made."""
    for path in paths:
        part, shows = PARTS[path.stem]
        yield report(
            path,
            caption=f"../report/{path.stem}.rst",
            category=part,
            labels={"shows": shows, "as": KINDS[path.suffix]},
        )


def metrics():
    """The search in a few numbers, for the first page of the HTML report."""
    return json.loads(Path("reports/metrics.json").read_text())


rule aggregate:
    """Every record, checked, in one table."""
    input:
        ancient(paths.plan.path),
        ancient(paths.split.path),
        [ancient(paths.round_path(place)) for place in paths.rounds],
        [ancient(record) for record in paths.records()],
        graph.repaired(paths.table.path),
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
    """Trials by validation accuracy, ties in trial order; what the search found, and what survived, in tables."""
    input:
        ancient(paths.table.path),
        ancient(paths.held_out.path),
        ancient(paths.baseline.path),
        [ancient(each.path) for each in paths.replicates],
        graph.repaired(paths.rank_manifest.path, paths.full_ranking.path),
    output:
        update(
            [
                *shown(PUBLISHED_TABLES),
                paths.rank_manifest.path,
                *paths.full_ranking.published.values(),
                paths.full_ranking.path,
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
        ancient(paths.table.path),
        ancient(paths.split.path),
        graph.repaired(paths.weights_manifest.path),
    output:
        update(paths.weights_manifest.path),
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
        ancient(paths.table.path),
        ancient(paths.held_out.path),
        ancient(paths.baseline.path),
        [ancient(each.path) for each in paths.replicates],
        graph.repaired(paths.render_manifest.path),
    output:
        update([*shown(PUBLISHED_PAGES), paths.render_manifest.path]),
    log:
        "logs/render.log",
    benchmark:
        "benchmarks/render.tsv"
    resources:
        mem_mb=500,
    shell:
        "python workflow/scripts/render.py 2> {log}"
