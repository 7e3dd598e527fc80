"""`make repro`: `dvc repro`, also after a DVC that was killed while it wrote its own two files.

DVC writes dvc.lock and its list of running processes in place, not in one step: killed then, it leaves them
empty, and refuses to start again. Neither says anything that is not found out anew: without dvc.lock every
stage looks at what is there, and trains nothing.
"""

import json
import os
from pathlib import Path

from adapter import one_line, say

with one_line():
    from ruamel.yaml import YAML, YAMLError

    for path, read in ((Path("dvc.lock"), YAML(typ="safe").load), (Path(".dvc/tmp/rwlock"), json.loads)):
        if path.exists():
            try:
                whole = isinstance(read(path.read_text("utf-8")), dict)
            except (ValueError, YAMLError):
                whole = False
            if not whole:
                say(f"{path}: was left half written by a DVC that was killed; it is made again")
                path.unlink()
    os.execvp("dvc", ["dvc", "repro"])
