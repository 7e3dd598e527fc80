"""Snakemake's progress, brief: a line a job in a dry run, a count in a run, everything about a failure.

The default output has a dozen lines a job: a thousand for a search of 100 trials. Snakemake finds this
package by its name; `--logger brief` (set in profiles/default) turns it on. The long form is still in
.snakemake/log.
"""

import logging
import signal
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any, NoReturn

from snakemake_interface_logger_plugins.base import LogHandlerBase

INTERRUPTED = 130  # the exit code after Ctrl-C, as of a shell
SHORT = 5  # seconds: of less, nothing is said
COUNTS = 10  # where a line cannot be overwritten, the count is shown this many times
# in Snakemake's statistics, but no work
SILENT = ("all", "all_on_slurm", "trials", "replicates", "ready", "total")


class LogHandler(LogHandlerBase):
    """Shows records as they come in; on a terminal the count is one line that changes.

    What a record is, its event says, or its level where it has none. Its text is shown or not; nothing is
    read from it.
    """

    def __post_init__(self) -> None:
        self.stream = sys.stdout if self.common_settings.stdout else sys.stderr
        self.overwrites = self.stream.isatty() and not self.common_settings.dryrun
        self.last_share = 0
        self.remaining: Counter[str] = Counter()  # jobs that have not finished, by rule
        self.rule: dict[int, str] = {}  # of each job that began
        self.start_times: dict[str, float] = {}  # when the first job of a rule began
        self.finished: Counter[str] = Counter()
        self.end_times: dict[str, float] = {}  # when the last of these finished
        self.jobs: list[str] = []
        self.running = False  # from the event RUN_INFO on
        self.pending: list[str] = []
        self.first_warnings: dict[tuple[str, int], str] = {}  # the first warning of each line of code
        self.repeats: Counter[tuple[str, int]] = Counter()
        self.interrupted = threading.Event()
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # a background job ignores it
            signal.signal(signal.SIGINT, self._interrupt)

    def _interrupt(self, *_: object) -> None:
        """Ctrl-C: say so in a line, and nothing of the jobs that it ends, too."""
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a second one ends Snakemake at once
        self.pending.clear()
        self._line("interrupted; what was finished is kept, and the same command continues")
        self.interrupted.set()
        sys.unraisablehook = end_later
        end()

    def emit(self, record: logging.LogRecord) -> None:
        if self.interrupted.is_set():
            return
        event = getattr(record, "event", None)
        if show := getattr(self, f"_{event}", None):
            show(vars(record))
        elif self.common_settings.verbose or record.levelno >= logging.ERROR:
            self._line(record.getMessage())
        elif record.levelno >= logging.WARNING:
            self._warning(record)
        elif record.levelno >= logging.INFO and event is None:
            self._information(record)

    def _information(self, record: logging.LogRecord) -> None:
        """The answer, where Snakemake is to do something else than to run jobs, or has none to run; chatter,
        if a run follows. So it waits until that is known."""
        if not self.running and not self.common_settings.quiet:
            self.pending.append(record.getMessage())

    def _warning(self, record: logging.LogRecord) -> None:
        """Of those that one line of code gives, one for every file, say: the first, and how many more. What
        takes several lines is meant to be read, as each of `snakemake --lint`."""
        place, text = (record.pathname, record.lineno), record.getMessage()
        if place not in self.first_warnings or "\n" in text:
            self.first_warnings.setdefault(place, text)
            self._line(text)
        else:
            self.repeats[place] += 1

    def close(self) -> None:
        if self.interrupted.is_set():
            self.repeats.clear()
        self._release()
        for place, count in self.repeats.items():
            self._line(f"(and {count} more like this: {self.first_warnings[place]})")
        self.repeats.clear()
        cancel_timers()
        super().close()

    def _release(self) -> None:
        texts, self.pending = self.pending, []
        for text in texts:
            self._line(text)

    def _line(self, text: str) -> None:
        self._release()
        print(f"\r\x1b[K{text}" if self.overwrites else text, file=self.stream, flush=True)

    def _run_info(self, record: dict[str, Any]) -> None:
        """What there is to do, by rule: Snakemake says it before the jobs, in a dry run again after them."""
        self.running = True
        self.pending.clear()
        if self.common_settings.dryrun and not self.jobs:
            return
        for job in sorted(self.jobs):
            self._line(job)
        stats = {rule: count for rule, count in record["stats"].items() if rule not in SILENT}
        jobs = ", ".join(f"{count} {rule}" for rule, count in stats.items()) or "nothing but to look"
        self._line(f"{'would run' if self.common_settings.dryrun else 'to run'}: {jobs}")
        self.remaining.update(stats)

    def _job_info(self, record: dict[str, Any]) -> None:
        rule, wildcards = record["rule_name"], (record.get("wildcards") or {}).values()
        if rule in SILENT:
            return
        if self.common_settings.dryrun:
            self.jobs.append(f"{' '.join([rule, *wildcards])}: {str(record['reason']).partition(';')[0]}")
            return
        self.rule[record["jobid"]] = rule
        self.start_times.setdefault(rule, time.monotonic())
        if not wildcards:
            self._line(rule)

    def _progress(self, record: dict[str, Any]) -> None:
        n_finished, total = record["done"], record["total"]
        text = f"{n_finished} of {total} done{self._estimate() if n_finished < total else ''}"
        if self.overwrites:
            print(
                f"\r\x1b[K{text}",
                end="" if n_finished < total else "\n",
                file=self.stream,
                flush=True,
            )
        elif (share := COUNTS * n_finished // total) > self.last_share:
            self.last_share = share
            self._line(text)

    def _estimate(self) -> str:
        """How long the jobs that are left take, if those of their rule take as long as so far. Those of a
        rule of which none has finished take as long as others, of rules with one job or with many."""
        times = {
            rule: (self.end_times[rule] - self.start_times[rule]) / n for rule, n in self.finished.items()
        }
        seconds = 0.0
        for rule, count in self.remaining.items():
            many = count + self.finished[rule] > 1
            counts = {other: n + self.remaining[other] for other, n in self.finished.items()}
            similar = [times[other] for other, n in counts.items() if (n > 1) is many]
            if many and not similar:
                return ""
            seconds += count * times.get(rule, sum(similar) / max(len(similar), 1))
        return f", about {_duration(seconds)} left" if seconds >= SHORT else ""

    def _job_error(self, record: dict[str, Any]) -> None:
        if record.get("indent"):  # one of a group, of which all is said
            return
        names = " ".join([record["rule_name"], *(record.get("wildcards") or {}).values()])
        texts = self._log_texts(record.get("log") or [])
        if not texts and self.interrupted.wait(1):  # Ctrl-C may reach the job before it reaches this process
            return
        self._line(f"{names} failed: " + ("\n".join(texts) or f"{record.get('shellcmd')}"))

    def _group_error(self, record: dict[str, Any]) -> None:
        """A submission to a cluster failed: what its jobs said, and how the cluster's own log ends; or
        why the cluster did not take it (workflow/rules/slurm.smk)."""
        jobs, logs = record["job_error_info"], record["aux_logs"]
        texts = self._log_texts([log for job in jobs for log in job["log"]])
        texts += [text.splitlines()[-1] for text in self._log_texts(logs)]
        texts = list(dict.fromkeys(texts)) or [record.get("reason") or "nothing was said"]
        self._line(f"{len(jobs)} {jobs[0]['rule_name']} failed on the cluster: " + "\n".join(texts))
        if logs:
            self._line(f"(more may stand in {', '.join(logs)})")

    @staticmethod
    def _log_texts(logs: list[str]) -> list[str]:
        """What stands in log files, each text once."""
        texts = [Path(log).read_text(errors="replace").strip() for log in logs if Path(log).is_file()]
        return list(filter(None, dict.fromkeys(texts)))

    def _error(self, record: dict[str, Any]) -> None:
        """A job that failed has said so; what else goes wrong is told as it is."""
        if record.get("exception") not in ("CalledProcessError", "RuleException"):
            self._line(str(record["msg"]))

    def _shellcmd(self, record: dict[str, Any]) -> None:
        if self.common_settings.printshellcmds:
            self._line(str(record.get("shellcmd") or record.get("cmd")))

    def _workflow_started(self, record: dict[str, Any]) -> None:
        """What came before is how Snakemake was set up, and no answer."""
        self.pending.clear()

    def _job_started(self, record: dict[str, Any]) -> None:
        """The count shows it."""
        if self.common_settings.verbose:
            self._line(str(record["msg"]))

    _resources_info = _group_info = _job_started

    def _job_finished(self, record: dict[str, Any]) -> None:
        if rule := self.rule.pop(record.get("job_id", -1), None):
            self.remaining[rule] -= 1
            self.finished[rule] += 1
            self.end_times[rule] = time.monotonic()
        cancel_timers(but=1)
        self._job_started(record)

    def _debug_dag(self, record: dict[str, Any]) -> None:
        """How jobs are chosen: hundreds of records, most without a text."""

    _rulegraph = _debug_dag

    @property
    def writes_to_stream(self) -> bool:
        return True

    @property
    def writes_to_file(self) -> bool:
        return False

    @property
    def has_filter(self) -> bool:
        return True

    @property
    def has_formatter(self) -> bool:
        return True

    @property
    def needs_rulegraph(self) -> bool:
        return False


def end(*_: object) -> NoReturn:
    raise SystemExit(INTERRUPTED)


def end_later(unraisable: "sys.UnraisableHookArgs") -> None:
    """End a moment later: Ctrl-C may come in a finalizer, and after an exception in one Python goes on."""
    if unraisable.exc_type is not SystemExit:
        sys.__unraisablehook__(unraisable)
        return
    signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, 0.01)


def cancel_timers(but: int = 0) -> None:
    """Cancel the timers of Snakemake's scheduler, `but` so many of the last.

    While jobs wait for a free core, each look at them starts a timer for another look a second later. So
    there is one more of them after each job: after a thousand jobs, a thousand looks a second. One is enough.
    At the end Python would wait for the last.
    """
    timers = [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]
    for timer in timers[: len(timers) - but]:
        timer.cancel()


def _duration(seconds: float) -> str:
    """A duration to one or two digits: 40 s, 3 min, 2 h 10 min."""
    if seconds < 60:
        return f"{round(seconds)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60 // 10 * 10} min"
