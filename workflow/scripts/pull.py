"""`make pull`: run `dvc pull` if a remote is set. If not, this is no error: a run can make everything."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # PYTHONSAFEPATH leaves it out
from adapter import one_line, say
from tools import become, output, require_scm

with one_line():
    if not output("dvc", "config", "core.remote").strip():  # prints nothing if no remote is set
        say("no remote is set (`dvc remote add --default` sets one): nothing to pull, a run makes everything")
        raise SystemExit(0)
    require_scm("make pull")
    become("dvc", "pull", "--allow-missing")
