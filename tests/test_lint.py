"""Snakemake's linter has nothing to say that we have not heard."""

import re
import subprocess
import sys

from tests.workflow import ROOT

WAIVED = {  # by name, with the reason
    # One locked environment runs every rule: make sets it up, and a trial is too short for a container.
    "Specify a conda environment or container for each rule.",
}


def test_snakemake_lint_finds_nothing_but_what_is_waived():
    command = [sys.executable, "-m", "snakemake", "--lint"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    lints = set(re.findall(r"^    \* (.+):$", said.stderr, re.M))
    assert lints == WAIVED, said.stderr
