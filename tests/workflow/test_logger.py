"""What `snakemake` shows with `--logger brief`: answers, progress and failures, and no chatter."""

import logging
import signal
import sys
import threading
import time
import types
import weakref

import pytest
from snakemake_interface_logger_plugins.common import LogEvent

import snakemake_logger_plugin_brief
from snakemake_logger_plugin_brief import LogHandler


@pytest.fixture
def handler():
    def make(**settings: bool) -> LogHandler:
        common = dict.fromkeys(("stdout", "dryrun", "verbose", "quiet", "printshellcmds"), False)
        return LogHandler(types.SimpleNamespace(**(common | settings)), None)

    before = signal.getsignal(signal.SIGINT)
    yield make
    signal.signal(signal.SIGINT, before)


def say(handler, text, level=logging.INFO, line=1, **more):
    record = logging.LogRecord("snakemake", level, "dag.py", line, text, None, None)
    vars(record).update(more)
    handler.emit(record)


def run(handler):
    """The records of a run of one job."""
    say(handler, "Assuming unrestricted shared filesystem usage.")
    say(handler, "Workflow has started!", event=LogEvent.WORKFLOW_STARTED)
    say(handler, "Building DAG of jobs...")
    say(handler, "Job stats: ...", event=LogEvent.RUN_INFO, stats={"trial": 1, "all": 1, "total": 2})
    say(handler, "Select jobs to execute...")
    say(handler, "Finished jobid: 0", event=LogEvent.JOB_FINISHED)
    say(handler, "", event=LogEvent.PROGRESS, done=1, total=1)
    say(handler, "Complete log(s): a.log")
    handler.close()


def test_of_a_run_there_is_what_it_does_and_how_far_it_is(handler, capsys):
    run(handler())
    assert capsys.readouterr().err.splitlines() == ["to run: 1 trial", "1 of 1 done"]


def test_with_verbose_there_is_all_of_it(handler, capsys):
    run(handler(verbose=True))
    shown = capsys.readouterr().err
    for text in ("Assuming", "Building", "Select", "Finished", "Complete"):
        assert f"{text} " in shown


def test_where_no_run_follows_what_is_said_is_the_answer(handler, capsys):
    answering = handler()
    say(answering, "Would delete a.json")
    say(answering, "Would delete b.json")
    answering.close()
    answering.close()  # as Snakemake and Python's logging do
    assert capsys.readouterr().err.splitlines() == ["Would delete a.json", "Would delete b.json"]


def test_what_is_said_comes_in_its_order(handler, capsys):
    answering = handler()
    say(answering, "Building DAG of jobs...")
    say(answering, "No rule to produce a", logging.ERROR, event=LogEvent.ERROR)
    say(answering, "a detail", logging.DEBUG)
    answering.close()
    assert capsys.readouterr().err.splitlines() == ["Building DAG of jobs...", "No rule to produce a"]


def test_quiet_leaves_what_went_wrong(handler, capsys):
    answering = handler(quiet=["all"])
    say(answering, "Adding a.png")
    say(answering, "a warning", logging.WARNING)
    say(answering, "an error", logging.ERROR)
    answering.close()
    assert capsys.readouterr().err.splitlines() == ["a warning", "an error"]


def test_after_ctrl_c_there_is_one_line_and_nothing_of_the_jobs_that_it_ends(handler, capsys):
    interrupted = handler()
    say(interrupted, "a setting is old", logging.WARNING)
    say(interrupted, "a setting is old", logging.WARNING)
    with pytest.raises(SystemExit) as end:
        signal.raise_signal(signal.SIGINT)
    assert end.value.code == 130 and signal.getsignal(signal.SIGINT) is signal.SIG_DFL
    assert capsys.readouterr().err.splitlines()[1:] == [
        "interrupted; what was finished is kept, and the same command continues"
    ]
    job = {"rule_name": "trial", "wildcards": {"name": "0001"}, "log": [], "shellcmd": "python trial.py"}
    say(interrupted, "", logging.ERROR, event=LogEvent.JOB_ERROR, **job)
    say(interrupted, "failed", logging.ERROR, event=LogEvent.ERROR, msg="failed")
    interrupted.close()
    assert capsys.readouterr().err == ""


def test_ctrl_c_within_a_finalizer_ends_the_run_soon_after(handler, capsys, monkeypatch):
    monkeypatch.setattr("sys.unraisablehook", sys.unraisablehook)  # gives it back after the test
    before = signal.getsignal(signal.SIGALRM)
    handler()
    garbage = threading.Event()
    called = weakref.ref(garbage, lambda _: signal.raise_signal(signal.SIGINT))
    del garbage
    assert called() is None
    with pytest.raises(SystemExit) as end:
        time.sleep(10)
    signal.signal(signal.SIGALRM, before)
    assert end.value.code == 130
    assert capsys.readouterr().err.splitlines() == [
        "interrupted; what was finished is kept, and the same command continues"
    ]


def test_a_background_job_that_ignores_ctrl_c_goes_on_doing_so(handler):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    handler()
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_of_warnings_of_one_kind_there_is_the_first_and_how_many_more(handler, capsys):
    warned = handler()
    for number in range(5):
        say(warned, f"no note of {number}", logging.WARNING, line=7)
    say(warned, "another", logging.WARNING, line=8)
    for number in range(2):
        say(warned, f"Lints for rule {number}:\n    * ...", logging.WARNING, line=9)
        say(warned, f"error {number}", logging.ERROR, line=10)
    warned.close()
    shown = capsys.readouterr().err.splitlines()
    assert shown[:2] == ["no note of 0", "another"]
    assert [line for line in shown if "rule" in line] == ["Lints for rule 0:", "Lints for rule 1:"]
    assert [line for line in shown if "error" in line] == ["error 0", "error 1"]
    assert shown[-1] == "(and 4 more like this: no note of 0)"


def test_snakemake_answers_what_is_no_run(searched):
    said = searched.run("snakemake", "--delete-all-output", "-n")
    for folder in ("results/trials", "reports"):
        for path in (searched.path / folder).glob("*.*"):
            assert f"{path.relative_to(searched.path)}\n" in said
    assert "`git checkout HEAD reports` restores it" in said
    assert "Unlocked working directory" in searched.run("snakemake", "--unlock", "--cores", "1")


def test_it_estimates_what_is_left_by_the_time_that_each_kind_of_job_took(handler, capsys, monkeypatch):
    """Trials take 2 s each; replicates, of which none has finished, as long; rank as long as plan: 7 s."""
    clock = iter([0, 7, 10, 10, 12, 14])
    monkeypatch.setattr(snakemake_logger_plugin_brief.time, "monotonic", lambda: next(clock))
    counting = handler()
    stats = {"plan": 1, "trial": 4, "replicate": 10, "rank": 1, "all": 1, "total": 17}
    say(counting, "", event=LogEvent.RUN_INFO, stats=stats)

    def job(number, rule, done=None):
        if done is None:
            say(counting, "", event=LogEvent.JOB_INFO, jobid=number, rule_name=rule, wildcards={"n": rule})
        else:
            say(counting, "", event=LogEvent.JOB_FINISHED, job_id=number)
            say(counting, "", event=LogEvent.PROGRESS, done=done, total=17)

    job(1, "plan"), job(1, "plan", done=2), job(2, "trial"), job(3, "trial")
    job(2, "trial", done=4), job(3, "trial", done=6)
    assert capsys.readouterr().err.splitlines()[1:] == [
        "2 of 17 done",  # no trial has finished, so nobody knows
        "4 of 17 done, about 33 s left",  # 3 x 2 + 10 x 2 + 7
        "6 of 17 done, about 31 s left",
    ]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(5.4, "5 s"), (61, "1 min"), (3540, "59 min"), (3600, "1 h 0 min"), (8000, "2 h 10 min")],
)
def test_durations_have_one_or_two_digits(seconds, text):
    assert snakemake_logger_plugin_brief._duration(seconds) == text


def test_one_timer_of_the_scheduler_is_left_after_a_job_and_none_at_the_end(handler):
    timers = [threading.Timer(3600, pytest.fail) for _ in range(3)]
    for timer in timers:
        timer.start()
    logging_run = handler()
    say(logging_run, "Finished jobid: 0", event=LogEvent.JOB_FINISHED)
    assert [timer.finished.is_set() for timer in timers] == [True, True, False]
    logging_run.close()
    for timer in timers:
        timer.join(timeout=10)
        assert not timer.is_alive()
