"""Without make, and from elsewhere (docs/reproducibility.md): an installation by hand, tried dry, and another
workflow that uses this one as a module. And what a report of a problem names."""

import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.engines import ROOT

PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
MODULE = """
module zdl:
    snakefile: "{snakefile}"
use rule * from zdl as zdl_*
"""


@pytest.mark.parametrize(
    "arguments",
    [("--require-hashes", "-r", "requirements.lock"), ("--no-deps", "--no-build-isolation", "-e", ".")],
    ids=["the lock", "the project"],
)
def test_pip_installs_it(arguments):
    """The locked versions are those of the environment of the tests, so nothing has to be downloaded."""
    done = subprocess.run(
        [*PIP, "install", "--dry-run", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Would install" not in done.stdout.replace("Would install zdl-", "")


def test_uv_sync_finds_all_packages(fresh, request, tmp_path):
    bin_ = Path(sys.executable).parent
    uv = shutil.which("uv", path=os.pathsep.join([os.environ["PATH"], str(bin_)]))
    if not uv:
        pytest.skip(f"{request.node.name}: no uv")
    spec = importlib.util.spec_from_file_location("install", ROOT / "workflow/install.py")
    install = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(install)
    clone = fresh.copy(tmp_path / "zdl")
    settings = install.settings_for_uv(PIP)  # pip's index, which uv does not read
    command = [uv, "sync", "--dry-run", "--python", sys.executable]
    done = subprocess.run(
        command, cwd=clone.path, env=settings | clone.env, capture_output=True, text=True, check=False
    )
    if done.returncode and "Failed to fetch" in done.stderr:
        pytest.skip(f"{request.node.name}: no package index")
    assert done.returncode == 0 and "+ zdl" in done.stderr and "+ numpy==" in done.stderr, done.stderr
    assert clone.run("git", "status", "--short") == ""


def test_a_workflow_elsewhere_is_told_where_to_run(fresh, tmp_path):
    clone, other = fresh.copy(tmp_path / "zdl"), tmp_path / "Snakefile"
    other.write_text(MODULE.format(snakefile=clone.path / "Snakefile"))
    said = clone.run("bash", "-c", f"cd {tmp_path} && snakemake -n", ok=False)
    line = f"{tmp_path}: is not the project's folder; run snakemake in {clone.path}\n"
    assert said.endswith(line) and "Traceback" not in said


def test_a_workflow_in_the_same_folder_uses_it_as_a_module(fresh, tmp_path):
    clone = fresh.copy(tmp_path / "zdl")
    (clone.path / "other.smk").write_text(MODULE.format(snakefile="Snakefile"))
    said = clone.run("snakemake", "-n", "--snakefile", "other.smk", "zdl_all")
    assert said.splitlines()[-1].startswith("would run: ") and " 6 zdl_trial," in said


def test_about_names_what_numbers_depend_on(fresh):
    python, packages, *blas = fresh.run("python", "workflow/scripts/about.py").splitlines()
    assert python.startswith(f"Python {platform.python_version()}, ")
    assert re.fullmatch(r"zdl \S+, snakemake \S+, dvc \S+, numpy \S+", packages)
    assert blas and all(line.startswith("BLAS: ") for line in blas)


def test_the_version_is_the_same_everywhere():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert YAML(typ="safe").load(ROOT / "CITATION.cff")["version"] == version
    assert f"\n## {version}\n" in (ROOT / "CHANGELOG.md").read_text("utf-8")
