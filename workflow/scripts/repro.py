"""`make repro`: run `dvc repro`, also after DVC was killed while it wrote one of its own two files.

DVC does not write dvc.lock and its list of running processes in one step. If it is killed meanwhile, they
are empty or truncated, and DVC refuses to start again. Deleting them is safe: without dvc.lock, every stage
checks the existing files and trains nothing again.
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # PYTHONSAFEPATH leaves it out
from adapter import one_line, say
from lockfile import read_lock
from tools import become, require_scm

with one_line():
    from filelock import FileLock  # after the check in adapter that zdl is installed

    require_scm("make repro")
    own = Path(".dvc/tmp")
    own.mkdir(parents=True, exist_ok=True)
    with FileLock(own / "lock"):  # DVC holds it while it writes
        for path, read in ((Path("dvc.lock"), read_lock), (own / "rwlock", json.loads)):
            text = path.read_text("utf-8", errors="replace") if path.exists() else None
            if text is None or "<<<<<<<" in text:  # a person must finish the merge
                continue
            try:
                read(text)
            except ValueError:
                say(f"{path}: was left half written when DVC was killed; it is made again")
                path.unlink()
    become("dvc", "repro")
