"""Note which functions of zdl a process runs. Python imports this where PYTHONPATH names this folder.

In the processes of workflow/scripts only, and where ZDL_WATCH names a folder: each leaves a file there that
says, for every function of ZDL_ENTRIES ("zdl.search.trial:run ..."), which definitions ran while it did; and,
under "", which ran besides, or for a module of ZDL_SHELL ("zdl.pipeline.cache ...") that was called on the
way.
"""

import atexit
import inspect
import json
import os
import sys
import threading
from collections import defaultdict
from types import CodeType, FrameType
from typing import Any

MARK = f"{os.sep}src{os.sep}zdl{os.sep}"


def _definition(code: CodeType) -> str:
    """The definition that code is part of, as "zdl.search.trial:run"; nothing for code of others."""
    _, mark, path = code.co_filename.rpartition(MARK)
    name = code.co_qualname.partition(".")[0]
    importing = not code.co_flags & inspect.CO_OPTIMIZED  # the body of a module or a class
    if not mark or not path.endswith(".py") or name.startswith("<") or importing:
        return ""
    return f"zdl.{path[:-3].replace(os.sep, '.')}".removesuffix(".__init__") + f":{name}"


def _watch(folder: str, entries: set[str], shell: set[str]) -> None:
    names: dict[CodeType, str] = {}
    ran: dict[str, set[str]] = defaultdict(set)
    running: list[str] = []

    def note(frame: FrameType, _event: str, _: Any) -> Any:  # at each call
        code = frame.f_code
        if code not in names:
            names[code] = _definition(code)
        name = names[code]
        if not name:
            return None
        module, _, function = name.partition(":")
        own = name if name in entries and code.co_qualname == function else "" if module in shell else None
        if own is not None:
            running.append(own)
        shells = [place for place, entry in enumerate(running) if not entry]
        for entry in running[shells[-1] + 1 if shells else 0 :] or [""]:
            ran[entry].add(name)
        frame.f_trace_lines = False
        return None if own is None else back

    def back(_frame: FrameType, event: str, _: Any) -> Any:
        if event == "return":
            running.pop()
        return back

    def leave() -> None:
        sys.settrace(None)
        with open(os.path.join(folder, f"{os.getpid()}.json"), "w", encoding="utf-8") as file:
            json.dump({entry: sorted(functions) for entry, functions in ran.items()}, file)

    atexit.register(leave)
    threading.settrace(note)
    sys.settrace(note)


if "ZDL_WATCH" in os.environ and any("workflow/scripts/" in word for word in sys.orig_argv):
    _watch(
        os.environ["ZDL_WATCH"], set(os.environ["ZDL_ENTRIES"].split()), set(os.environ["ZDL_SHELL"].split())
    )
