"""The full search in many environments: do reports/ and dvc.lock come out with the bytes that are committed?

    python -m tests.everywhere               every one of ENVIRONMENTS: half an hour on two cores
    python -m tests.everywhere dvc haswell   these two

Each gets a clone of HEAD from which reports/ and dvc.lock were deleted, and trains every trial in it. What
DVC tracks under data/ and results/ is compared too, since dvc.lock holds its checksums. At the end stands
what else came out differently there: it must be in neither. Exit code 1 if anything differed or failed.
"""

import argparse
import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

from tests.engines import ROOT, Clone

SIMD = " ".join(name for name in __cpu_dispatch__ if __cpu_features__[name])  # NumPy refuses other names
KERNELS = {  # OPENBLAS_CORETYPE, and the names by which OpenBLAS may then call its kernels
    "Haswell": ("Haswell",),
    "SkylakeX": ("SkylakeX",),
    "Sandybridge": ("Sandybridge",),
    "Prescott": ("Prescott", "Katmai"),  # one and the same in NumPy's wheels
}


@dataclass(frozen=True)
class Environment:
    """Where a search runs; what is not set is as it is here."""

    python: str = ""
    engine: str = "snakemake"
    cores: int = 2
    env: Mapping[str, str] = field(default_factory=dict)
    folder: str = "zdl"
    read_only_home: bool = False


ENVIRONMENTS = {
    "python3.11": Environment(python="3.11"),
    "python3.12": Environment(python="3.12", engine="dvc"),
    "python3.13": Environment(python="3.13"),
    "dvc": Environment(engine="dvc"),
    "1-core": Environment(cores=1, env={"PYTHONHASHSEED": "0"}),
    "3-cores": Environment(cores=3, engine="dvc", env={"PYTHONHASHSEED": "random"}),
    "8-cores": Environment(cores=8, env={"PYTHONHASHSEED": "12345"}),
    **{
        kernel.lower(): Environment(engine=engine, env={"OPENBLAS_CORETYPE": kernel})
        for kernel, engine in zip(KERNELS, ("snakemake", "dvc") * 2, strict=True)
    },
    "no-simd": Environment(env={"NPY_DISABLE_CPU_FEATURES": SIMD}),
    "no-simd-prescott": Environment(
        engine="dvc", env={"NPY_DISABLE_CPU_FEATURES": SIMD, "OPENBLAS_CORETYPE": "Prescott"}
    ),
    "ascii": Environment(env={"LC_ALL": "C", "PYTHONUTF8": "0", "TZ": "Asia/Kathmandu"}),
    "turkish": Environment(engine="dvc", env={"LC_ALL": "tr_TR.UTF-8", "TZ": "America/St_Johns"}),
    "read-only-home": Environment(read_only_home=True),
    "japanese-path": Environment(engine="dvc", folder="ゼロから作る zdl search"),
}
INHERITED = ("LANG", "LC_", "TZ", "PYTHON", "OPENBLAS_", "NPY_", "XDG_", "MPLCONFIGDIR", "MAKE", "MFLAGS")
READ_ONLY_HOME = 'mount -t tmpfs -o ro none "$HOME" && exec "$@"'  # not even root can write there
PROBE = """
import json, locale, os, sys, numpy, threadpoolctl, zdl
from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__
numpy.ones((99, 99)) @ numpy.ones((99, 99))  # kernels that this processor cannot run end us here
try:
    locale.setlocale(locale.LC_ALL, "")
except locale.Error:
    print("no such locale: " + os.environ.get("LC_ALL", ""))
    raise SystemExit(1)
print(json.dumps({
    "python": sys.version.split()[0],
    "source": zdl.__file__,
    "kernels": [pool["architecture"] for pool in threadpoolctl.threadpool_info() if "architecture" in pool],
    "simd": [name for name in __cpu_dispatch__ if __cpu_features__[name]],
    "home": os.access(os.path.expanduser("~"), os.W_OK),
}))
"""


class Untested(Exception):
    """Why an environment cannot be had here."""


class Elsewhere(Clone):
    """A clone of HEAD that is driven in an environment."""

    timeout = 3600

    def __init__(self, path: Path, environment: Environment) -> None:
        super().__init__(path)
        self.environment = environment
        ours = self.env["PYTHONPATH"]
        self.env = {name: value for name, value in self.env.items() if not name.startswith(INHERITED)}
        self.env |= {"PYTHONPATH": ours, **environment.env}
        path.parent.mkdir(parents=True)
        subprocess.run(["git", "clone", "--quiet", ROOT, path], env=self.env, check=True)
        if environment.read_only_home:
            (path.parent / "home").mkdir()
            self.env["HOME"] = str(path.parent / "home")
        python = find_python(environment.python or here())
        if python != sys.executable:
            self.run("make", f"PYTHON={python}", ".venv/ready")
            self.env["PATH"] = f"{path / '.venv/bin'}{os.pathsep}{self.env['PATH']}"

    def run(self, *command: str, ok: bool = True, **env: str) -> str:
        if self.environment.read_only_home:
            root = [] if os.geteuid() == 0 else ["--map-root-user"]
            command = ("unshare", "--mount", *root, "sh", "-c", READ_ONLY_HOME, "sh", *command)
        return super().run(*command, ok=ok, **env)

    def published(self) -> dict[str, bytes]:
        """What must be the same everywhere, byte for byte."""
        paths = [self.path / "dvc.lock", *sorted((self.path / "reports").iterdir())]
        return {str(path.relative_to(self.path)): path.read_bytes() for path in paths}

    def sums(self) -> Iterator[tuple[str, str]]:
        """Everything else that the pipeline makes, but for how long it took: path and checksum."""
        for path in sorted(path for top in ("data", "results") for path in (self.path / top).rglob("*")):
            if path.is_file():
                yield str(path.relative_to(self.path)), hashlib.sha256(path.read_bytes()).hexdigest()

    def probe(self) -> str:
        """In what the trials will really run, in words; `Untested` if it is not what was asked for."""
        asked = self.environment
        try:
            found = json.loads(self.run("python", "-c", PROBE).splitlines()[-1])
        except (AssertionError, FileNotFoundError) as failure:
            if asked.env or asked.read_only_home:
                raise Untested(str(failure).strip().splitlines()[-1]) from None
            raise
        assert Path(found["source"]).is_relative_to(self.path), found["source"]
        assert found["python"].startswith(asked.python), found["python"]
        kernel = asked.env.get("OPENBLAS_CORETYPE")
        if kernel and not set(found["kernels"]) & set(KERNELS[kernel]):
            raise Untested(f"OpenBLAS has taken {found['kernels']} instead")
        if "NPY_DISABLE_CPU_FEATURES" in asked.env and (found["simd"] or not SIMD):
            raise Untested("NumPy has no features to disable on this processor")
        if asked.read_only_home and found["home"]:
            raise Untested("the home can still be written")
        kernels, simd = "+".join(found["kernels"]), "+".join(found["simd"]) or "no SIMD"
        return f"Python {found['python']}, {kernels}, {simd}, {asked.engine} on {asked.cores}"


def here() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def find_python(version: str) -> str:
    """A Python of that version which runs: this one, one on the PATH, or one of pyenv's."""
    if version == here():
        return sys.executable
    name = f"python{version}"
    places = [Path(folder) / name for folder in os.environ["PATH"].split(os.pathsep)]
    places += sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/{name}"))
    for place in places:  # pyenv's stand-ins on the PATH are there, and need not run
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            subprocess.run([place, "-c", ""], capture_output=True, check=True)
            return str(place)
    raise Untested(f"no {name} here")


def search(clone: Elsewhere) -> list[str]:
    """Train everything, and name the published files that did not come out as they are committed."""
    committed = clone.published()
    for name in committed:
        (clone.path / name).unlink()
    clone.engine(clone.environment.engine, cores=clone.environment.cores)
    assert clone.trained() == sorted(clone.names()), "not every trial was trained"
    clone.run("dvc", "repro")
    assert clone.trained() == [], "dvc repro trained again"
    found = clone.published()
    return sorted(name for name in committed | found if committed.get(name) != found.get(name))


def visit(folder: Path, environment: Environment) -> tuple[str, str, dict[str, str]]:
    """What came of one environment: a word, the words after it, and the checksums of the rest."""
    started = time.monotonic()
    try:
        clone = Elsewhere(folder / environment.folder, environment)
        place = clone.probe()
        differing = search(clone)
    except Untested as why:
        return "untested", str(why), {}
    except AssertionError as failure:
        return "failed", "\n".join([str(folder), *str(failure).splitlines()[-20:]]), {}
    if differing:
        return "differs", f"{', '.join(differing)} ({place}; {clone.path})", dict(clone.sums())
    return "equal", f"{place}, {time.monotonic() - started:.0f} s", dict(clone.sums())


def main(names: list[str]) -> int:
    base = Path(tempfile.mkdtemp(prefix="zdl-everywhere-"))
    words: Counter[str] = Counter()
    versions: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for name in names:
        word, rest, sums = visit(base / name, ENVIRONMENTS[name])
        print(f"{name:17} {word:9} {rest}", flush=True)
        words[word] += 1
        for path, checksum in sums.items():
            versions[path][checksum].append(name)
        if word in ("equal", "untested"):  # the others are to be looked into
            shutil.rmtree(base / name, ignore_errors=True)
    print("\n" + ", ".join(f"{count} {word}" for word, count in words.items()))
    for path, found in versions.items():
        if len(found) > 1:
            print(f"{path} has {len(found)} versions: {' | '.join(map(' '.join, found.values()))}")
    return 1 if words["differs"] or words["failed"] else 0


if __name__ == "__main__":
    verbatim = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=verbatim)
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(ENVIRONMENTS))
    chosen = parser.parse_args().names or list(ENVIRONMENTS)
    if unknown := set(chosen) - set(ENVIRONMENTS):
        parser.error(f"no such environment: {', '.join(sorted(unknown))}")
    raise SystemExit(main(chosen))
