"""`make about`: print what a bug report should include. Results depend on nothing else of a machine."""

import platform
import sys
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # PYTHONSAFEPATH leaves it out
from adapter import one_line

with one_line():
    import numpy  # noqa: F401 - loads its BLAS
    from threadpoolctl import threadpool_info

    print(f"Python {platform.python_version()}, {platform.platform()}")
    print(", ".join(f"{name} {version(name)}" for name in ("zdl", "snakemake", "dvc", "numpy")))
    for library in threadpool_info():
        if library["user_api"] == "blas":
            print(f"BLAS: {library['internal_api']} {library['version']} for {library['architecture']}")
