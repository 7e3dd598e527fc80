"""`make pull`: `dvc pull` what the remote has. No remote is no error: a run can make everything itself."""

from adapter import become, one_line, output, require_scm, say

with one_line():
    if not output("dvc", "config", "core.remote").strip():  # prints nothing if no remote is set
        say("no remote is set (`dvc remote add --default` sets one): nothing to pull, a run makes everything")
        raise SystemExit(0)
    require_scm("make pull")
    become("dvc", "pull", "--allow-missing")
