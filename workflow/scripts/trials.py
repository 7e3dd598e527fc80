"""Stage `trials`: Snakemake makes the records that are missing; then exactly today's are there, whole."""

import fcntl
import os
import subprocess

from adapter import one_line
from zdl import Error, store
from zdl.layout import Layout

with one_line():
    Layout.of("params.yaml")  # wrong settings are refused before anything is touched

with one_line(), store.lock_file("trials.lock") as lock:
    fcntl.flock(lock, fcntl.LOCK_EX)  # Snakemake inherits it: held until its end, even if we are killed
    layout = Layout.of("params.yaml")
    store.keep_only([*layout.records(), *(its.path for its in layout.rounds)])
    cores = os.environ.get("ZDL_CORES", "all")  # not an argument: DVC would record it in dvc.lock
    code = subprocess.call(["snakemake", "--cores", cores, "trials"], pass_fds=[lock.fileno()])
    layout = Layout.of("params.yaml")  # which by now knows all trials of a search that learns
    lost = [*store.missing(layout.trials.values()), *layout.records(layout.names[len(layout.trials) :])]
    if lost:
        raise Error(f"{len(lost)} of {len(layout.names)} records are missing or damaged, {lost[0]} the first")
raise SystemExit(code)
