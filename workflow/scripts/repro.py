"""`make repro`: `dvc repro`, also after a DVC that was killed while it wrote its own two files.

DVC writes dvc.lock and its list of running processes in place, not in one step: killed then, it leaves them
empty or cut off, and refuses to start again. Neither says anything that is not found out anew: without
dvc.lock every stage looks at what is there, and trains nothing.
"""

import fcntl
import json
import os
from pathlib import Path

from adapter import one_line, read_lock, say

with one_line():
    own = Path(".dvc/tmp")
    own.mkdir(parents=True, exist_ok=True)
    with open(own / "lock", "a", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # which a DVC that is writing holds
        for path, read in ((Path("dvc.lock"), read_lock), (own / "rwlock", json.loads)):
            text = path.read_text("utf-8", errors="replace") if path.exists() else None
            if text is None or "<<<<<<<" in text:  # a merge is for a person to end
                continue
            try:
                read(text)
            except ValueError:
                say(f"{path}: was left half written by a DVC that was killed; it is made again")
                path.unlink()
    os.execvp("dvc", ["dvc", "repro"])
