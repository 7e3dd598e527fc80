# The names of all files, as params.yaml and the code have them now, and what is damaged among those that are there.
# needs: params.yaml
# makes: nothing; whatever is damaged is moved out of the way by the job `repair`

import sys
from pathlib import Path

try:
    import zdl
    from zdl import Error
except ModuleNotFoundError:
    raise SystemExit(
        f"zdl is not installed in {sys.executable}: `. .venv/bin/activate` first (`make run` sets it up)"
    )
root = Path(f"{workflow.current_basedir}").parents[1]
zdl.__path__[:] = [f"{root}/src/zdl"]  # as in workflow/scripts/adapter.py
from zdl.pipeline.paths import PUBLISHED_TABLES, PUBLISHED_PAGES, Paths
from zdl.pipeline.repair import Repairs
from zdl.pipeline.cache import check_writable

if config:
    raise SystemExit(
        f"--config {', '.join(config)}: settings are in params.yaml and nowhere else"
    )
try:
    paths = Paths.of("params.yaml")
    check_writable()
    repairs = Repairs(paths)
    for line in repairs.lines if workflow.is_main_process else ():
        print(line, file=sys.stderr)
except (Error, OSError) as error:
    raise SystemExit(str(error))

# Whether a file needs nothing to be made from. (The graph of `snakemake --report` shows what all were made from.)
there = repairs.there
if any(word.startswith("--report") for word in sys.argv):
    there = lambda path: False


rule repair:
    """Move what is damaged out of the way, so that it is made again."""
    output:
        ".zdl/repaired/{note}",
    log:
        "logs/repair/{note}.log",
    shell:
        "python workflow/scripts/repair.py {output} 2> {log}"
