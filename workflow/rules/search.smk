# From the split to one record per trial.
# needs: data/split
# makes: results/plan, results/trials (and in it the rounds of a search that learns)


rule plan:
    """Every trial of the search: its number, its point, and everything that determines its record."""
    input:
        graph.repair_notes(paths.plan.path),
    output:
        update(paths.plan.path),
    log:
        "logs/plan.log",
    benchmark:
        "benchmarks/plan.tsv"
    resources:
        mem_mb=500,
    shell:
        "python workflow/scripts/plan.py 2> {log}"


rule propose:
    """The points of one round of a search that learns, chosen from the scores of all earlier trials."""
    input:
        lambda wildcards: ancient(graph.for_round(wildcards.name)),
        lambda wildcards: graph.repair_notes(
            paths.round_path(paths.round(wildcards.name))
        ),
    output:
        update("results/trials/rounds/{name}.json"),
    log:
        "logs/propose/{name}.log",
    wildcard_constraints:
        name=r"\d+-[0-9a-f]+",
    resources:
        mem_mb=500,
    shell:
        "python workflow/scripts/propose.py {wildcards.name} 2> {log}"


rule trial:
    """The record of one trial, restored from the cache or trained.

    Starting a process takes as long as a trial, so a process continues for a few seconds with the next trials
    of the plan. Their jobs then find their records ready.
    """
    input:
        lambda wildcards: ancient(graph.for_trial(wildcards.name)),
        lambda wildcards: graph.repair_notes(*paths.record_places([wildcards.name])),
    output:
        update("results/trials/{name}.json"),
    log:
        "logs/trial/{name}.log",
    wildcard_constraints:
        name=r"\d+-[0-9a-f]+",
    group:
        lambda wildcards: paths.listing(wildcards.name).stem
    resources:
        mem_mb=200,
    params:
        plan=lambda wildcards: paths.listing(wildcards.name),
        last=paths.names[-1],
    shell:
        "mv results/ready/{wildcards.name}.json {output} 2> /dev/null || exec"
        " python workflow/scripts/trial.py --plan {params.plan} --go-on {params.last} {wildcards.name} 2> {log}"


rule ready:
    """Everything that a trial needs, but no trial: the target of `make trial`."""
    input:
        graph.notes,
        ancient(paths.plan.path),
        ancient(paths.split.path),
