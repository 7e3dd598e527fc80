"""`make pull`: `dvc pull` of what the remote has, if there is a remote: a run can make everything itself."""

import os

from adapter import one_line, output, say

with one_line():
    if not output("dvc", "config", "core.remote").strip():  # where it is not set, nothing is printed
        say(
            "no remote is set (`dvc remote add --default` does it): nothing is pulled, a run makes everything"
        )
        raise SystemExit(0)
    os.execvp("dvc", ["dvc", "pull", "--allow-missing"])
