"""Snakemake's progress, brief: a line a job in a dry run, a count in a run, everything about a failure.

The default output has a dozen lines a job: a thousand for a search of 100 trials. Snakemake finds this
package by its name; `--logger brief` (set in profiles/default) turns it on. The long form is still in
.snakemake/log.
"""

import logging
import sys
from pathlib import Path
from typing import Any

from snakemake_interface_logger_plugins.base import LogHandlerBase

COUNTS = 10  # where a line cannot be overwritten, the count is shown this many times
EXPECTED = (
    # A trial's record is often there before its job, made by the process of another one.
    "Warning: the following output files of rule trial were not present when the DAG was created",
    # Of a job that failed; a file that was there before it is never half written.
    "Cannot restore",
)
UNTIMED = "Missing metadata for file"  # of the HTML report, once for every file
SILENT = ("all", "trials", "ready", "total")  # in Snakemake's statistics, but no work


class LogHandler(LogHandlerBase):
    """Shows records as they come in; on a terminal the count is one line that changes."""

    def __post_init__(self) -> None:
        self.stream = sys.stdout if self.common_settings.stdout else sys.stderr
        self.changing = self.stream.isatty() and not self.common_settings.dryrun
        self.shown = 0
        self.jobs: list[str] = []
        self.untimed = False

    def emit(self, record: logging.LogRecord) -> None:
        event = getattr(record, "event", None)
        if show := getattr(self, f"_{event}", None):
            show(vars(record))
        elif record.getMessage().startswith(EXPECTED):
            return
        elif record.getMessage().startswith(UNTIMED):
            self._untimed()
        elif record.levelno >= logging.WARNING or (event is None and self._is_result(record)):
            self._line(record.getMessage())

    def _is_result(self, record: logging.LogRecord) -> bool:
        """What is not chatter among the plain messages: the answer, where there is nothing to do."""
        return self.common_settings.verbose or record.getMessage().startswith("Nothing to be done")

    def _untimed(self) -> None:
        if not self.untimed:
            self._line("some files were pulled, or made by DVC: Snakemake has no note of how long they took")
        self.untimed = True

    def _line(self, text: str) -> None:
        print(f"\r\x1b[K{text}" if self.changing else text, file=self.stream, flush=True)

    def _run_info(self, record: dict[str, Any]) -> None:
        """What there is to do, by rule: Snakemake says it before the jobs, in a dry run again after them."""
        if self.common_settings.dryrun and not self.jobs:
            return
        for job in sorted(self.jobs):
            self._line(job)
        stats = {rule: count for rule, count in record["stats"].items() if rule not in SILENT}
        jobs = ", ".join(f"{count} {rule}" for rule, count in stats.items()) or "nothing but to look"
        self._line(f"{'would run' if self.common_settings.dryrun else 'to run'}: {jobs}")

    def _job_info(self, record: dict[str, Any]) -> None:
        rule, wildcards = record["rule_name"], (record.get("wildcards") or {}).values()
        if rule in SILENT:
            return
        if self.common_settings.dryrun:
            self.jobs.append(f"{' '.join([rule, *wildcards])}: {str(record['reason']).partition(';')[0]}")
        elif not wildcards:
            self._line(rule)

    def _progress(self, record: dict[str, Any]) -> None:
        done, total = record["done"], record["total"]
        if self.changing:
            print(
                f"\r\x1b[K{done} of {total} done",
                end="" if done < total else "\n",
                file=self.stream,
                flush=True,
            )
        elif (share := COUNTS * done // total) > self.shown:
            self.shown = share
            self._line(f"{done} of {total} done")

    def _job_error(self, record: dict[str, Any]) -> None:
        if record.get("indent"):  # one of a group, of which all is said
            return
        names = " ".join([record["rule_name"], *(record.get("wildcards") or {}).values()])
        said = self._said(record.get("log") or [])
        self._line(f"{names} failed: " + ("\n".join(said) or f"{record.get('shellcmd')}"))

    def _group_error(self, record: dict[str, Any]) -> None:
        """A submission to a cluster failed: what its jobs said, and how the cluster's own log ends; or what
        was said if the cluster did not take it (workflow/rules/cluster.smk)."""
        jobs, logs = record["job_error_info"], record["aux_logs"]
        said = self._said([log for job in jobs for log in job["log"]])
        said += [text.splitlines()[-1] for text in self._said(logs)]
        said = list(dict.fromkeys(said)) or [record.get("said") or "nothing was said"]
        self._line(f"{len(jobs)} {jobs[0]['rule_name']} failed on the cluster: " + "\n".join(said))
        if logs:
            self._line(f"(more may stand in {', '.join(logs)})")

    @staticmethod
    def _said(logs: list[str]) -> list[str]:
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

    def _job_finished(self, record: dict[str, Any]) -> None:
        """Said by the count."""

    _workflow_started = _job_started = _resources_info = _group_info = _rulegraph = _debug_dag = _job_finished

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
