"""Tools that fail or are missing: a failure is told in its own words, and is never taken for an answer."""

import os
import re
import shutil
import subprocess

import pytest

from tests.engines import programs

SCRIPTS = "python workflow/scripts"
NEED_GIT = [f"{SCRIPTS}/check.py", f"{SCRIPTS}/check.py --full", f"{SCRIPTS}/review.py HEAD"]
REPRO = f"{SCRIPTS}/repro.py"
# Its call number $FAILS fails.
GIT = """
echo "$@" >> {calls}
if [ "$(wc -l < {calls})" -eq "${{FAILS:-0}}" ]; then echo "hint: a"; echo "fatal: refused" >&2; exit 128; fi
exec {git} "$@"
"""


@pytest.fixture
def clone(recorded, tmp_path):
    """A fresh clone, in which a report, a module and the settings were edited, and a file was added."""
    clone = recorded.clone(tmp_path / "zdl")
    for name in ("reports/README.md", "reports/more.csv", "src/zdl/nn/layers.py"):
        with (clone.path / name).open("a") as file:
            file.write("# edited\n")
    clone.edit(search={"seed": 5})
    clone.analyse()
    return clone


@pytest.mark.parametrize("command", [NEED_GIT[0], NEED_GIT[2], "make unchanged"])
def test_whichever_call_of_git_fails_its_reason_is_told(clone, tmp_path, command):
    calls, git = tmp_path / "calls", shutil.which("git")
    bin_ = programs(tmp_path / "bin", git=GIT.format(calls=calls, git=git)).split(os.pathsep)[0]
    env = {"PATH": f"{bin_}{os.pathsep}{clone.env['PATH']}"}
    if command == "make unchanged":
        clone.run("git", "checkout", "--quiet", ".")
        clone.run("git", "clean", "--quiet", "--force")

    def run(fails, ok):
        calls.write_text("")
        return clone.run(*command.split(), ok=ok, FAILS=str(fails), **env)

    run(0, ok="check" not in command)
    assert calls.read_text()
    # A kind of call, whichever file or commit it is about
    kinds = [re.sub(r"( -- | [0-9a-f]{40}).*", "", line) for line in calls.read_text().splitlines()]
    for fails in sorted({kind: number for number, kind in enumerate(kinds, 1)}.values()):
        said = run(fails, ok=False)
        assert said.count("fatal: refused") == 1 and "Traceback" not in said, (fails, said)
        assert command == "make unchanged" or said.count("\n") == 1, (fails, said)


REFUSES = """
{ echo "warning: a"; echo "fatal: it is another's"; printf '\nTo trust it, call:\n\n\tgit config x\n'; } >&2
exit 128
"""


def test_a_git_that_refuses_is_told_before_any_work_with_what_it_advises(fresh, tmp_path):
    clone = fresh.copy(tmp_path / "zdl")
    bin_ = programs(tmp_path / "bin", git=REFUSES).split(os.pathsep)[0]
    before = clone.files()
    for command in (*NEED_GIT, REPRO):
        said = clone.run(*command.split(), ok=False, PATH=f"{bin_}{os.pathsep}{clone.env['PATH']}")
        assert said.endswith(": fatal: it is another's (`git config x`)\n") and said.count("\n") == 1
        assert clone.files() == before


def test_files_without_a_repository_are_told_what_they_lack(fresh, tmp_path):
    clone = fresh.copy(tmp_path / "zdl")
    shutil.rmtree(clone.path / ".git")
    before = clone.files()
    for command in (*NEED_GIT, REPRO):
        said = clone.run(*command.split(), ok=False)
        target = f"make {command.split('/')[-1].split('.')[0]}"
        assert said.startswith(f"{clone.path}: is not a Git repository, and {target} needs one (`")
        assert said.count("\n") == 1
        assert clone.files() == before and not (clone.path / ".dvc/tmp").exists()
    fatal, make = clone.run("make", "unchanged", ok=False).splitlines()
    assert fatal.startswith("fatal: not a git repository") and make.startswith("make: *** ")
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)  # around them, and ignores them
    (tmp_path / ".gitignore").write_text("*\n")
    said = clone.run(*NEED_GIT[1].split(), ok=False)
    assert said.startswith(f"{clone.path}: is not a Git repository, and make check needs one")


def test_without_a_repository_the_engines_work(recorded, tmp_path):
    """DVC where it is set to do without one."""
    clone = recorded.copy(tmp_path / "zdl")
    shutil.rmtree(clone.path / ".git")
    clone.run("dvc", "config", "core.no_scm", "true")
    made = {path: path.read_bytes() for path in (clone.path / "reports/ranking.csv", clone.path / "dvc.lock")}
    for path in made:
        path.unlink()
    clone.engine("snakemake", "rank")
    clone.run("python", "workflow/scripts/repro.py")
    assert {path: path.read_bytes() for path in made} == made
    assert clone.trained() == []


def test_before_the_first_commit_nothing_is_in_a_revision(recorded, tmp_path):
    clone = recorded.copy(tmp_path / "zdl")
    shutil.rmtree(clone.path / ".git")
    clone.run("git", "init", "--quiet")
    with (clone.path / "reports/ranking.csv").open("a") as file:
        file.write("1\n")
    (line,) = clone.run(*NEED_GIT[0].split(), ok=False).splitlines()
    assert line == "reports/ranking.csv: is not what dvc.lock records; `make repro` fixes it"
    assert clone.run(*NEED_GIT[2].split(), ok=False).startswith("BASE or HEAD: HEAD is not a revision here")


def test_a_tool_that_is_missing_is_named(fresh, tmp_path):
    clone = fresh.copy(tmp_path / "zdl")
    python = shutil.which("python", path=clone.env["PATH"])
    path = programs(tmp_path / "bin", python=f'exec {python} "$@"').split(os.pathsep)[0]
    tools = {"repro": "dvc", "pull": "dvc", "trials": "snakemake", "check": "git", "review": "git"}
    for script, tool in tools.items():
        arguments = ["HEAD"] * (script == "review")
        said = clone.run("python", f"workflow/scripts/{script}.py", *arguments, ok=False, PATH=path)
        assert said == f"{tool}: is not on the PATH (`. .venv/bin/activate`, or install it)\n", script


@pytest.mark.parametrize("place", ["tmp1", "standalone/tmp1"])  # of `--queue`, and of `--temp`
def test_an_experiment_is_told_of_a_new_file_that_git_does_not_know(fresh, tmp_path, place):
    clone = fresh.copy(tmp_path / "zdl")
    temporary = fresh.copy(clone.path / ".dvc/tmp/exps" / place)
    temporary.env["PYTHONPATH"] = clone.env["PYTHONPATH"]
    (clone.path / "src/zdl/nn/more.py").write_text("MORE = 1\n")
    trainer = temporary.path / "src/zdl/nn/trainer.py"
    text = trainer.read_text()
    for line in ("from zdl.nn.more import MORE", "from zdl.nn import more"):
        trainer.write_text(f"{text}\n{line}\n")
        said = temporary.run("python", "workflow/scripts/plan.py", ok=False)
        assert said.count("\n") == 1 and "more" in said.partition(": DVC copies")[0]
        assert said.endswith(": DVC copies only files that Git knows; `git add src/zdl/nn/more.py` first\n")
    clone.run("git", "add", "--all")  # now another tree's file is not to blame
    assert "Traceback" in temporary.run("python", "workflow/scripts/plan.py", ok=False)


def test_every_file_that_a_run_makes_can_be_asked_for(searched, tmp_path):
    clone = searched.copy(tmp_path / "zdl")
    made = sorted(path for path in clone.files() if path.startswith(("data/", "results/", "reports/")))
    assert "Nothing to be done" in clone.engine("snakemake", *made)
    weights = clone.path / "results/best.npz"
    weights.unlink()
    clone.engine("snakemake", "results/best.npz")
    assert weights.exists() and clone.trained() == []
