# The workflow on Slurm (docs/clusters.md): the rules as they are, and what their groups need there. A group is
# many jobs of one rule in one submission. profiles/slurm names this file as its Snakefile; nothing else reads it.
# Objects of Snakemake are changed here and nowhere else (tests/workflow/test_lint.py), each to work around a gap in it.

import os
import subprocess

from snakemake.jobs import GroupJob


include: "../../Snakefile"


rule all_on_slurm:
    """As `all`: Snakemake takes no default target from a file that another one includes."""
    default_target: True
    input:
        rules.all.input,


# Only these leave the host where the run was started.
REMOTE = ("trial", "replicate")
workflow.localrules(*(rule.name for rule in workflow.rules if rule.name not in REMOTE))


# --group-components counts by the name of a group. Trials of a later round wait for those of this one, so each
# file that lists trials has a group of its own, whose name is a digest that no profile can know. Snakemake maps
# such names to a common one only where `group:` is a string with a wildcard, not where it is a function.
# (No upstream issue found.)
KINDS = {path.stem: "trials" for path in map(paths.listing, paths.names)}
KINDS[paths.table.path.stem] = "replicates"
workflow.parent_groupids.update(KINDS)

if workflow.remote_exec:
    # On a node, all jobs of a submission are one group again. The executor does not pass --group-components on,
    # and the Snakemake there would start another one for each job, one after another, each with a start that
    # takes as long as several trials (snakemake-executor-plugin-slurm#469, snakemake#4223).
    workflow.group_settings.group_components = dict.fromkeys(KINDS.values(), 10**6)
    # The last one has `--cores all`: all CPUs that it sees. Those are the whole node's, not the submission's,
    # where Slurm does not bind jobs to CPUs. (No upstream issue found.)
    if cpus := os.environ.get("SLURM_CPUS_PER_TASK"):
        workflow.register_resource("_cores", int(cpus))


log_error = GroupJob.log_error


def log_error_with_reason(group, msg=None, **more):
    """Have the logger know why Slurm did not take a group: Snakemake drops the executor's message about it
    (snakemake-executor-plugin-slurm#456)."""
    log_error(group, msg, reason=msg, **more)


GroupJob.log_error = log_error_with_reason


onstart:
    find_slurm()


def find_slurm():
    """Fail at once where no Slurm answers, but it is to run the jobs: its executor would wait for ever, and say
    nothing."""
    if workflow.executor_plugin.name != "slurm":
        return
    command = ["sinfo", "--noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        problem = done.stderr.splitlines()[-1:] if done.returncode else []
    except (OSError, subprocess.TimeoutExpired) as error:
        problem = [str(error)]
    if problem:
        raise SystemExit(
            f"no Slurm answers here, which is to run the jobs: {problem[0]}"
        )
