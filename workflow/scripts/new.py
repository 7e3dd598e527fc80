"""`make new NAME=mine`: write a problem of your own, problems/mine.py, and a params.yaml that names it.

`make example NAME=torch_csv` puts a problem of examples/ into a copy of this project, in build/, and runs it.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # PYTHONSAFEPATH leaves it out
from adapter import one_line, say
from tools import copy_project, list_files, output_of, require_git, run_program
from zdl import Error
from zdl.artifacts.io import write

EXAMPLES, SKELETON, OWN, PARAMS = Path("examples"), "skeleton", Path("problems"), Path("params.yaml")
WHO = ("-c", "user.name=zdl", "-c", "user.email=zdl@localhost")


def new(name: str) -> None:
    """Add the skeleton of a problem to this project."""
    require_git("make new")
    if not re.fullmatch("[a-z][a-z0-9_]*", name):
        raise Error(f"NAME={name}: is not a name of a module (needed: small letters, digits and _)")
    if paths := [*OWN.glob(f"{name}.*"), *OWN.glob(name)]:
        raise Error(f"{paths[0]}: is there already")
    if list_files("--modified", "--others", "--", str(PARAMS)):
        raise Error(
            f"{PARAMS}: has edits that are not committed, and would be overwritten: commit them first"
        )
    add(SKELETON, name, Path())
    # Editors complete params.yaml by the schema
    output_of(run_program(sys.executable, "workflow/scripts/schema.py"))
    say("`snakemake --cores 8` searches it; `git checkout params.yaml` goes back to the former problem")


def add(example: str, name: str, project: Path) -> None:
    """Put the files of an example into a project, called `name` there."""
    for source in sorted(path for path in (EXAMPLES / example).iterdir() if path.is_file()):
        place = project / (PARAMS if source.name == PARAMS.name else OWN / source.name.replace(example, name))
        text = source.read_text("utf-8")
        text = re.sub(rf"\b(problem: |problems/){example}\b", rf"\g<1>{name}", text)
        write(place, text.encode())
        say(f"{place}: written")


def run_example(name: str) -> None:
    """Run an example in a copy of this project."""
    require_git("make example")
    names = sorted(path.parent.name for path in EXAMPLES.glob(f"*/{PARAMS}"))
    if name not in names:
        raise Error(f"NAME={name}: is not an example (allowed: {', '.join(names)})")
    project = Path("build") / name
    if not project.exists():
        copy_project(project)
        add(name, name, project)
        output_of(run_program(sys.executable, "workflow/scripts/schema.py", cwd=project))
        (project / ".venv").symlink_to(Path(".venv").resolve())
        for command in (["init"], ["add", "--all"], [*WHO, "commit", "--message", f"Search {name}"]):
            output_of(run_program("git", *command, cwd=project))
    say(f"{project}: a copy of this project, which searches {name}")
    raise SystemExit(subprocess.call(["make", "run"], cwd=project))


parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("what", choices=["new", "example"])
parser.add_argument("name")
args = parser.parse_args()

with one_line():
    (new if args.what == "new" else run_example)(args.name)
