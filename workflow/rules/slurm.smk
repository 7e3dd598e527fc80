# The workflow on Slurm (docs/clusters.md): the same rules, with settings for their groups. A group is many jobs of
# one rule in one submission. profiles/slurm names this file as its Snakefile; nothing else reads it.
# Only this file changes objects of Snakemake (tests/workflow/test_lint.py), each time to work around a gap in it.

import os
import subprocess

from snakemake.jobs import GroupJob


include: "../../Snakefile"


rule all_on_slurm:
    """Like `all`: Snakemake takes no default target from an included file."""
    default_target: True
    input:
        rules.all.input,


# Only these rules run on the nodes; the others run on the host where the run was started.
REMOTE = ("trial", "replicate")
workflow.localrules(*(rule.name for rule in workflow.rules if rule.name not in REMOTE))


# --group-components counts by the name of a group. Trials of a later round wait for those of this one, so each
# file that lists trials has its own group. The group's name is a digest, which a profile cannot know. Snakemake
# maps such names to a common one only if `group:` is a string with a wildcard, not if it is a function.
# (No upstream issue found.)
KINDS = {path.stem: "trials" for path in map(paths.listing, paths.names)}
KINDS[paths.table.path.stem] = "replicates"
workflow.parent_groupids.update(KINDS)

if workflow.remote_exec:
    # On a node, all jobs of a submission are one group again. The executor does not pass --group-components on.
    # Without it, the Snakemake on the node would start another Snakemake for each job, one after another, and each
    # start takes as long as several trials (snakemake-executor-plugin-slurm#469, snakemake#4223).
    workflow.group_settings.group_components = dict.fromkeys(KINDS.values(), 10**6)
    # The innermost Snakemake has `--cores all`, all CPUs that it sees. Where Slurm does not bind jobs to CPUs, these
    # are the CPUs of the whole node, not of the submission. (No upstream issue found.)
    if cpus := os.environ.get("SLURM_CPUS_PER_TASK"):
        workflow.register_resource("_cores", int(cpus))


log_error = GroupJob.log_error


def log_error_with_reason(group, msg=None, **more):
    """Pass on why Slurm rejected a group: Snakemake drops the executor's message
    (snakemake-executor-plugin-slurm#456)."""
    log_error(group, msg, reason=msg, **more)


GroupJob.log_error = log_error_with_reason


def find_slurm():
    """Fail at once if the jobs are to run on Slurm and Slurm does not respond: the executor would wait forever
    without a message."""
    if workflow.executor_plugin.name != "slurm":
        return
    command = ["sinfo", "--noheader"]
    try:
        process = subprocess.run(command, capture_output=True, text=True, timeout=60)
        code = f"{command[0]}: exit code {process.returncode}"
        problem = (
            [code, *process.stderr.splitlines()][-1:] if process.returncode else []
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        problem = [str(error)]
    if problem:
        raise SystemExit(f"no Slurm answers on this host: {problem[0]}")


before_a_run.append(find_slurm)
