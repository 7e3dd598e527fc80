"""README.md and the guides in docs/, whose code and commands are played in a clone, so that they work."""

import re
import subprocess
from pathlib import Path
from typing import NamedTuple

from tests.engines import Clone


def blocks(text: str) -> list[tuple[str, str]]:
    """The fenced blocks of a guide, as (language, text)."""
    return re.findall(r"^```(\w+)\n(.*?)^```$", text, re.M | re.S)


def edited(text: str) -> list[str]:
    """The files that blocks write or edit, each once."""
    paths = [
        path for _, block in blocks(text) for path in re.findall(r"^(?:@@|#) (\S+/?\S*\.\w+)$", block, re.M)
    ]
    return list(dict.fromkeys(paths))


def play(text: str, clone: Clone) -> None:
    """Write the files of blocks that begin with `# path`, and make the edits of those with `@@ path`."""
    for language, block in blocks(text):
        if language == "diff":
            for path, lines in re.findall(r"^@@ (\S+)\n((?:[ +-].*\n)+)", block, re.M):
                replace(clone.path / path, lines)
        elif language == "python":
            path = clone.path / re.match(r"# (\S+)\n", block)[1]
            assert not path.exists()
            path.write_text(block, encoding="utf-8")


def replace(path: Path, lines: str) -> None:
    """Make one edit: the lines with a space or a minus are in the file exactly once."""
    old, new = ("".join(re.findall(rf"^[ {mark}](.*\n)", lines, re.M)) for mark in "-+")
    text = "\n" + path.read_text(encoding="utf-8")
    assert text.count("\n" + old) == 1, f"{path}: has not exactly once\n{old}"
    path.write_text(text.replace("\n" + old, "\n" + new)[1:], encoding="utf-8")


END = "::exit code::"  # no command prints it


class Commands(NamedTuple):
    """A block of commands; the comment before it, if any, says which test plays it, or why none does."""

    note: str
    lines: list[str]

    def each(self) -> list[tuple[str, list[str]]]:
        """Each command, with the lines that it prints according to the block."""
        found: list[tuple[str, list[str]]] = []
        for line in self.lines:
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
        return found


def steps(text: str) -> list[tuple[str, Commands | str]]:
    """The edits (`diff`) and the blocks of commands (`console`) of a page, in order."""
    found = re.findall(r"(?:^<!-- ([^\n]*) -->\n)?^```(diff|console|sh)\n(.*?)^```$", text, re.M | re.S)
    return [
        (language, block if language == "diff" else Commands(note, block.splitlines()))
        for note, language, block in found
    ]


def enter(shell: "subprocess.Popen[str]", command: str) -> tuple[str, str]:
    """Type a command into a shell: the exit code, and what is printed."""
    shell.stdin.write(f"{{ {command}\n}} < /dev/null\necho {END} $?\n")
    shell.stdin.flush()
    said = ""
    for line in shell.stdout:
        said += line
        if END in line:
            break
    said, _, code = said.partition(END)
    return code.strip() or "the shell has ended", said


def play_page(text: str, folder: Path, env: dict[str, str]) -> None:
    """Make the edits of a page and type its commands: each succeeds and prints what the page shows, where
    numbers may be others, as the search is smaller. Blocks with a comment are left to what that names."""
    pipe = subprocess.PIPE
    shell = subprocess.Popen(
        ["bash"], cwd=folder, env=env, text=True, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT
    )
    with shell:
        for language, step in steps(text):
            if language == "diff":
                here = Path(enter(shell, "pwd")[1].strip())
                for path, lines in re.findall(r"^@@ (\S+)\n((?:[ +-].*\n)+)", step, re.M):
                    replace(here / path, lines)
            elif not step.note:
                for command, shown in step.each():
                    code, said = enter(shell, command)
                    assert code == "0", f"{command}: {code}\n{said}"
                    assert not shown or re.fullmatch(pattern(shown), said), f"{command}:\n{said}"


def pattern(shown: list[str]) -> str:
    """Matches lines with the same words; `...` is any number of lines, and a word with a number or with `...`
    any word."""
    lines = []
    for line in shown:
        words = [r"\S+" if re.search(r"\d|\.\.\.", word) else re.escape(word) for word in line.split()]
        lines.append(r"(?:.*\n)*?" if line == "..." else r"[ \t]*" + r"[ \t]+".join(words) + r"[ \t]*\n")
    return "".join(lines)
