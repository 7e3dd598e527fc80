"""Guides in docs/ whose code is played in a clone, so that it works."""

import re
from pathlib import Path

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
