# Names all files, from the current params.yaml and code, and finds the damaged ones.
# needs: params.yaml
# makes: nothing; the job `repair` moves damaged files out of the way

import atexit
import gc
import signal
import sys
from pathlib import Path

# Snakemake keeps all jobs until the end. Garbage collection among them took a quarter of the time of a dry run of
# 10,000 trials, and almost a second at the end of a run of 100.
gc.set_threshold(10_000)
atexit.register(gc.freeze)
root = Path(f"{workflow.current_basedir}").parents[1]
if not root.samefile(Path()):  # every path of the pipeline is relative to it
    raise SystemExit(
        f"{Path.cwd()}: is not the project's folder; run snakemake in {root}"
    )
try:
    import zdl
    from zdl import Error
except ModuleNotFoundError:
    raise SystemExit(
        f"zdl is not installed in {sys.executable}: `. .venv/bin/activate` first (`make run` sets it up)"
    )
zdl.__path__[:] = [f"{root}/src/zdl"]  # as in workflow/scripts/adapter.py
from zdl.artifacts.fingerprint import remember
from zdl.pipeline.checks import check_notes, check_writable
from zdl.pipeline.graph import Graph
from zdl.pipeline.paths import Paths

if config:
    raise SystemExit(
        f"--config {', '.join(config)}: settings are in params.yaml and nowhere else"
    )
if "--delete-all-output" in sys.argv:
    print(
        "reports/ is committed: `git checkout HEAD reports` restores it",
        file=sys.stderr,
    )
try:
    paths = Paths.of("params.yaml")
    check_notes()
    graph = Graph(paths, complete=any(word.startswith("--report") for word in sys.argv))
    for line in graph.lines if workflow.is_main_process else ():
        print(line, file=sys.stderr)
except (Error, OSError) as error:
    raise SystemExit(str(error))


# Further checks, which a profile's Snakefile adds: there can be only one onstart.
before_a_run = []


onstart:
    # Snakemake does not execute this in a dry run, which needs no permission to write.
    logs = [
        file
        for rule in workflow.rules
        for file in (*rule.log, rule.benchmark)
        if file
    ]
    try:
        check_writable(
            [file for rule in workflow.rules for file in rule.output], logs
        )
    except Error as error:
        raise SystemExit(str(error))
    for check in before_a_run:
        check()
    remember()  # save the fingerprints, so that no job analyses the code again


onerror:
    # After Ctrl-C, Snakemake itself would end with 1, as after a failure.
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        raise SystemExit(130)


rule repair:
    """Move damaged files out of the way, so that they are made again."""
    output:
        ".zdl/repaired/{note}",
    log:
        "logs/repair/{note}.log",
    shell:
        "python workflow/scripts/repair.py {output} 2> {log}"
