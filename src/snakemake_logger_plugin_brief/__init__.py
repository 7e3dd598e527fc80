"""Brief output for Snakemake: one line per job in a dry run, a count in a run, everything about a failure.

Snakemake's default output has a dozen lines per job: over a thousand for a search of 100 trials. Snakemake
finds this package by its name; `--logger brief` (set in profiles/default) turns it on. The default output is
still in .snakemake/log.
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
SHORT = 5  # seconds: a shorter estimate is not shown
COUNTS = 10  # how many times the count is shown if a line cannot be overwritten
# rules without work, which Snakemake counts as jobs; and the total
SILENT = ("all", "all_on_slurm", "trials", "replicates", "ready", "total")


class LogHandler(LogHandlerBase):
    """Show records as they come in. On a terminal, the count is one line that changes.

    The event of a record, or its level if it has no event, decides what is done with it. Its text is shown or
    not, but never parsed.
    """

    def __post_init__(self) -> None:
        self.stream = sys.stdout if self.common_settings.stdout else sys.stderr
        self.overwrites = self.stream.isatty() and not self.common_settings.dryrun
        self.last_share = 0
        self.remaining: Counter[str] = Counter()  # jobs that have not finished, by rule
        self.rule: dict[int, str] = {}  # by the id of each job that began
        self.start_times: dict[str, float] = {}  # when the first job of a rule began
        self.finished: Counter[str] = Counter()
        self.end_times: dict[str, float] = {}  # when the last job of a rule finished
        self.jobs: list[str] = []
        self.running = False  # from the event RUN_INFO on
        self.pending: list[str] = []
        self.first_warnings: dict[tuple[str, int], str] = {}  # the first warning of each line of code
        self.repeats: Counter[tuple[str, int]] = Counter()
        self.interrupted = threading.Event()
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # a background job ignores it
            signal.signal(signal.SIGINT, self._interrupt)

    def _interrupt(self, *_: object) -> None:
        """On Ctrl-C, show one line, and nothing about the jobs that it also ends."""
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
        """Hold information back until it is known whether jobs run. If none run, it is the answer to the
        command, and is shown; else it is dropped."""
        if not self.running and not self.common_settings.quiet:
            self.pending.append(record.getMessage())

    def _warning(self, record: logging.LogRecord) -> None:
        """Show the first warning of each line of code, which may give one for every file, and count the
        others. Warnings of several lines, such as those of `snakemake --lint`, are all shown."""
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
        """Show the number of jobs by rule. Snakemake sends it before the jobs; a dry run, also after."""
        self.running = True
        self.pending.clear()
        if self.common_settings.dryrun and not self.jobs:
            return
        for job in sorted(self.jobs):
            self._line(job)
        stats = {rule: count for rule, count in record["stats"].items() if rule not in SILENT}
        jobs = ", ".join(f"{count} {rule}" for rule, count in stats.items()) or "nothing"
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
        """The estimated time for the remaining jobs. A job takes the mean time of the finished jobs of its
        rule. If there are none, it takes the mean of other rules with one job, or with several."""
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
        if record.get("indent"):  # `_group_error` reports the jobs of a group
            return
        names = " ".join([record["rule_name"], *(record.get("wildcards") or {}).values()])
        texts = self._log_texts(record.get("log") or [])
        if not texts and self.interrupted.wait(1):  # Ctrl-C may reach the job before it reaches this process
            return
        self._line(f"{names} failed: " + ("\n".join(texts) or f"{record.get('shellcmd')}"))

    def _group_error(self, record: dict[str, Any]) -> None:
        """Show why a submission to a cluster failed: the logs of its jobs and the last line of the cluster's
        log, or why the cluster rejected it (workflow/rules/slurm.smk)."""
        jobs, logs = record["job_error_info"], record["aux_logs"]
        texts = self._log_texts([log for job in jobs for log in job["log"]])
        texts += [text.splitlines()[-1] for text in self._log_texts(logs)]
        texts = list(dict.fromkeys(texts)) or [record.get("reason") or "no reason was given"]
        self._line(f"{len(jobs)} {jobs[0]['rule_name']} failed on the cluster: " + "\n".join(texts))
        if logs:
            self._line(f"(the logs may say more: {', '.join(logs)})")

    @staticmethod
    def _log_texts(logs: list[str]) -> list[str]:
        """The different texts of log files."""
        texts = [Path(log).read_text(errors="replace").strip() for log in logs if Path(log).is_file()]
        return list(filter(None, dict.fromkeys(texts)))

    def _error(self, record: dict[str, Any]) -> None:
        """Show errors other than those of failed jobs, which are reported already."""
        if record.get("exception") not in ("CalledProcessError", "RuleException"):
            self._line(str(record["msg"]))

    def _shellcmd(self, record: dict[str, Any]) -> None:
        if self.common_settings.printshellcmds:
            self._line(str(record.get("shellcmd") or record.get("cmd")))

    def _workflow_started(self, record: dict[str, Any]) -> None:
        """Drop earlier information: it is about the setup of Snakemake."""
        self.pending.clear()

    def _job_started(self, record: dict[str, Any]) -> None:
        """Show nothing unless --verbose is set: the count is enough."""
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
        """Show nothing: there are hundreds of these records, most without a text."""

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
    """End soon: if Ctrl-C comes during a finalizer, Python ignores the exception and goes on."""
    if unraisable.exc_type is not SystemExit:
        sys.__unraisablehook__(unraisable)
        return
    signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, 0.01)


def cancel_timers(but: int = 0) -> None:
    """Cancel the timers of Snakemake's scheduler, except the last `but` ones.

    While jobs wait for a free core, each check by the scheduler starts a timer for another check a second
    later. Each finished job adds one: after a thousand jobs, there are a thousand checks per second. One
    timer is enough. At exit, Python would wait for the timers.
    """
    timers = [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]
    for timer in timers[: len(timers) - but]:
        timer.cancel()


def _duration(seconds: float) -> str:
    """A rounded duration: 40 s, 3 min, 2 h 10 min."""
    if seconds < 60:
        return f"{round(seconds)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60 // 10 * 10} min"
