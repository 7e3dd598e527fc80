"""Faults on demand. Python imports this by itself where PYTHONPATH names this directory: see tests/soak.py.

In the processes of workflow/scripts only:

ZDL_SLOW   a training takes so many seconds longer, so that kills and rivals find it under way.
ZDL_FAULT  a directory of tokens. Each process takes the first; the one whose token says a fault has it:
           `write-N`, the system kills it when a file it writes grows beyond N bytes;
           `rename-N`, it is killed just before it renames or deletes a file for the Nth time.
"""

import os
import resource
import signal
import sys
import time


def _token(directory: str) -> str:
    """The first token that nobody else takes: processes start side by side."""
    for name in sorted(os.listdir(directory)):
        try:
            os.unlink(os.path.join(directory, name))
        except FileNotFoundError:
            continue
        return name.partition("-")[2]
    return ""


def _install(slow: float, fault: str, log: str) -> None:
    kind, _, text = fault.partition("-")
    left = int(text or 0)

    def watch(event: str, args: tuple[object, ...]) -> None:
        nonlocal left
        if event == "open":
            path, flags = str(args[0]), args[2] if isinstance(args[2], int) else 0
            if path == log:
                time.sleep(slow)  # the lock is held, and nothing is trained yet
            elif kind == "write" and flags & os.O_CREAT:
                resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
                signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # Python ignores it otherwise
                # (Python takes half of its bytecode for all of it, where a write is cut short.)
                own = resource.RLIM_INFINITY if "__pycache__" in path else left
                resource.setrlimit(resource.RLIMIT_FSIZE, (own, resource.RLIM_INFINITY))
        elif kind == "rename" and event in ("os.rename", "os.remove") and "__pycache__" not in str(args[0]):
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)


if any("workflow/scripts/" in word for word in sys.orig_argv):
    tokens = os.environ.get("ZDL_FAULT")
    _install(
        float(os.environ.get("ZDL_SLOW", "0")),
        _token(tokens) if tokens and os.path.isdir(tokens) else "",
        os.environ.get("ZDL_TRAININGS", ""),
    )
