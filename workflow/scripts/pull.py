"""`make pull`: `dvc pull` of what the remote has, if there is a remote: a run can make everything itself."""

import os

from adapter import one_line, say

with one_line():
    from dvc.config import Config

    if not Config.from_cwd()["core"].get("remote"):
        say(
            "no remote is set (`dvc remote add --default` does it): nothing is pulled, a run makes everything"
        )
        raise SystemExit(0)
    os.execvp("dvc", ["dvc", "pull", "--allow-missing"])
