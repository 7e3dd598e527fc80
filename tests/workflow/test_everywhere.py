"""A small search under other BLAS kernels and CPU features, in another locale and time zone: the same bytes.

`make everywhere` does it with the full search. Here every step runs in one process for each environment.
"""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from ruamel.yaml import YAML

from tests.engines import PARAMS, ROOT, STEP_BY_STEP
from tests.everywhere import INHERITED, SIMD
from zdl.pipeline.paths import FIGURES, PUBLISHED

SMALL = {
    "data": {"source": "bundled", "subsample": 200},
    "training": {"epochs": 4},
    "search": {"trials": 4},
    "replicate": {"trials": 2, "replicates": 1},
    "report": {"best": 2},
}
ENVIRONMENTS = {
    "as it is": {},
    "AVX2": {
        "OPENBLAS_CORETYPE": "Haswell" if "X86_V3" in SIMD else "",
        "PYTHONHASHSEED": "0",
        "TZ": "Asia/Kathmandu",
    },
    "no SIMD": {
        "OPENBLAS_CORETYPE": "Prescott",
        "NPY_DISABLE_CPU_FEATURES": SIMD,
        "PYTHONHASHSEED": "12345",
        "PYTHONUTF8": "0",
        "LC_ALL": "C",
    },
}
SEARCH = f"""
import adapter, json, threadpoolctl
{STEP_BY_STEP}
pools = threadpoolctl.threadpool_info()
print(json.dumps([pool["architecture"] for pool in pools if pool["user_api"] == "blas"]))
"""
INEXACT = ("results/best.npz", "results/manifests/weights/")  # the second holds the first's checksum


def test_a_search_gives_the_same_bytes_under_every_kernel_and_locale(fresh, tmp_path):
    folders = [tmp_path / name for name in ENVIRONMENTS]
    for folder in folders:
        fresh.tell(folder)
    with ThreadPoolExecutor() as pool:
        kernels = set(pool.map(search, folders, ENVIRONMENTS.values()))
    first, *others = ({n: data for n, data in files(f).items() if not n.startswith(INEXACT)} for f in folders)
    results = 4 + 1 + SMALL["search"]["trials"] + 1 + 2 * 1 + 1 + 1  # data to replicates, baseline, all ranks
    manifests = len(("rank", "ranking", "pages", *FIGURES))
    assert len(first) == results + len(PUBLISHED) + manifests
    for other in others:
        assert other.keys() == first.keys()
        assert [name for name in first if other[name] != first[name]] == []
    # Kernels do differ in last bits: were there no sign of it, a thing would have been compared with itself.
    assert len({(folder / INEXACT[0]).read_bytes() for folder in folders}) >= len(kernels)


def search(folder, env):
    """Search in `folder`; the kernels that OpenBLAS took for it."""
    settings = YAML(typ="safe").load(PARAMS.read_text("utf-8"))
    for section, values in SMALL.items():
        settings[section].update(values)
    (folder / "params.yaml").write_text(json.dumps(settings), "utf-8")
    (folder / "workflow").symlink_to(ROOT / "workflow")  # the settings' schema
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith((*INHERITED, "ZDL_"))
    }
    path = os.pathsep.join([str(ROOT / "src"), str(folder / "workflow/scripts")])
    done = subprocess.run(
        [sys.executable, "-c", SEARCH], cwd=folder, env=inherited | {"PYTHONPATH": path} | env,
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return frozenset(json.loads(done.stdout.splitlines()[-1]))


def files(folder):
    paths = (path for top in ("data", "results", "reports") for path in (folder / top).rglob("*"))
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths if path.is_file()}
