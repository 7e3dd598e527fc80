"""Snakemake is used as it is: its linter has nothing new to say, and nothing of it is changed or private."""

import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator

import pytest

from tests.engines import ROOT

WAIVED = {  # by name, with the reason
    # One locked environment runs every rule: make sets it up, and a trial is too short for a container.
    "Specify a conda environment or container for each rule.",
}
# What every Snakefile knows of Snakemake, and every logger; what is imported comes on top.
OBJECTS = {"workflow", "rules", "checkpoints", "common_settings"}
ASSIGNS = {"=", "+=", "-=", "*=", "/=", "|=", "&=", ":="}
CHANGES = {"append", "extend", "insert", "add", "update", "setdefault", "pop", "remove", "clear"}
CHANGES |= {"register_resource"}


def test_snakemake_lint_finds_nothing_but_what_is_waived():
    command = [sys.executable, "-m", "snakemake", "--workflow-profile", "none", "--lint"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    lints = set(re.findall(r"^    \* (.+):$", run.stderr, re.M))
    assert lints == WAIVED, run.stderr


def test_snakemake_is_used_as_it_is_but_for_slurm():
    rules = [path for path in (ROOT / "workflow/rules").glob("*.smk") if path.name != "slurm.smk"]
    logger = ROOT / "src/snakemake_logger_plugin_brief/__init__.py"
    files = [ROOT / "Snakefile", *rules, *(ROOT / "workflow/scripts").glob("*.py"), logger]
    assert len(files) > 20
    assert {path.name: found for path in files if (found := list(reaches(path.read_text())))} == {}
    assert len(list(reaches((ROOT / "workflow/rules/slurm.smk").read_text()))) > 3


def test_dvc_is_used_by_its_command_line():
    """And by `dvc.api`, which is documented too."""
    folders = ("src", "workflow", "tests", "bench", ".dvc/plots", ".github/scripts")
    files = [
        path for folder in folders for path in (ROOT / folder).rglob("*") if path.suffix in (".py", ".smk")
    ]
    assert len(files) > 60
    imports = re.compile(r"^\s*(?:import|from)\s+dvc(?!\.api\b)\w*\b.*$", re.M)
    found = {str(path.relative_to(ROOT)): imports.findall(path.read_text("utf-8")) for path in files}
    assert {path: lines for path, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    ("text", "found"),
    {
        "Job.is_pipe = lambda job, path: False": [],  # of another Job
        "from snakemake.jobs import Job\nJob.is_pipe = lambda job, path: False": ["Job.is_pipe ="],
        "from snakemake.jobs import Job as J\nlog, J.log = J.log, say": ["J.log ="],
        "import snakemake.jobs as jobs\njobs.Job.log = say": ["jobs.Job.log ="],
        "import snakemake._x\nfrom snakemake.io import _flag": ["snakemake._x", "snakemake.io._flag"],
        "onstart:\n    if workflow.local_exec:\n        workflow.scheduler.job_rate_limiter = None": [
            "workflow.scheduler.job_rate_limiter ="
        ],
        "workflow.scheduler.subsample = max(20, 2 * workflow.cores)": ["workflow.scheduler.subsample ="],
        "workflow.parent_groupids[listing.stem] = kind": ["workflow.parent_groupids[listing.stem] ="],
        "workflow.parent_groupids.update({1: 2})": ["workflow.parent_groupids.update({1:2})"],
        "workflow.cores += 1": ["workflow.cores +="],
        "del workflow.dag.jobs": ["workflow.dag.jobs del"],
        "setattr(workflow, 'cores', 1)": ["workflow setattr"],
        "rule a:\n    threads: workflow._cores": ["workflow._cores"],
        "dag = workflow.dag\nfor job in dag.jobs():\n    job._log = 1": ["job._log", "job._log ="],
        "self.common_settings._quiet": ["common_settings._quiet"],
        # What is allowed: to read what is public, and names like these in arguments and in words.
        "rule a:\n    '''workflow._x = 1'''\n    input:\n        rules.b.input,\n        x=workflow.c,": [],
        "f(workflow=workflow.cores, x=1)\nself._shown = workflow.cores == 1": [],
    }.items(),
)
def test_each_way_to_change_snakemake_is_noticed(text, found):
    assert list(reaches(text)) == found


def reaches(text: str) -> Iterator[str]:
    """What a Snakefile or a module changes of objects of Snakemake, and what is private that it uses."""
    names = set(OBJECTS)
    for line in statements(text):
        if line[0] in ("from", "import") and line[1].startswith("snakemake"):
            yield from imports(line, names)
            continue
        targets = max((i for i, depth in depths(line) if line[i] in ASSIGNS and not depth), default=0)
        for start, depth in depths(line):
            if line[start] not in names:
                continue
            end, attributes = follow(line, start)
            chain, after = "".join(line[start:end]), line[end] if end < len(line) else ""
            if CHANGES & {*attributes} or any(each.startswith("_") for each in attributes):
                yield chain
            if end > start + 1 and (after in ASSIGNS or (start < targets and not depth)):
                yield f"{chain} {after if after in ASSIGNS else '='}"
            if line[0] == "del":
                yield f"{chain} del"
            if line[start - 2 : start] in (["setattr", "("], ["delattr", "("]):
                yield f"{chain} {line[start - 2]}"
            if (line[start - 1] in ASSIGNS and not depth) or line[start - 3 : start : 2] == ["for", "in"]:
                names.add(line[start - 2])  # another name of something of Snakemake


def statements(text: str) -> Iterator[list[str]]:
    """The tokens of each logical line. Snakemake's keywords are names to Python's tokenizer."""
    line: list[str] = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in (tokenize.NEWLINE, tokenize.ENDMARKER):
            if line:
                yield line
            line = []
        elif token.type not in (tokenize.COMMENT, tokenize.NL, tokenize.INDENT, tokenize.DEDENT):
            line.append(token.string)


def imports(line: list[str], names: set[str]) -> Iterator[str]:
    """The private ones among what a line imports; the names of all are added."""
    words = [word for word in line if word not in "()"]
    place = words.index("import")
    module = "".join(words[1:place])
    for each in " ".join(words[place + 1 :]).split(" , "):
        name, _, other = each.replace(" . ", ".").partition(" as ")
        names.add(other or name.partition(".")[0])
        if re.search(r"\b_", path := f"{module}.{name}".lstrip(".")):
            yield path


def depths(line: list[str]) -> Iterator[tuple[int, int]]:
    """Each place in a line, with the number of brackets around it."""
    depth = 0
    for place, word in enumerate(line):
        depth -= word in ")]}"
        yield place, depth
        depth += word in "([{"


def follow(line: list[str], start: int) -> tuple[int, list[str]]:
    """Where the attributes, calls and items end that follow a name, and the attributes."""
    place, depth, attributes = start + 1, 0, []
    while place < len(line) and (depth or line[place] in ".(["):
        depth += (line[place] in "([{") - (line[place] in ")]}")
        if line[place] == "." and not depth:
            attributes.append(line[place := place + 1])
        place += 1
    return place, attributes
