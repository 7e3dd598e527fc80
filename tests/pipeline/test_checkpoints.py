"""Checkpoints in the cache: which one a trial goes on from, and how many are kept."""

import os

import pytest

from tests.pipeline.test_cache import search  # noqa: F401
from zdl import Error
from zdl.pipeline import cache, checkpoints, records
from zdl.pipeline.checkpoints import CHECKPOINTS, find
from zdl.pipeline.graph import _going_on
from zdl.search.trial import Trial


def with_epochs(trial, epochs):
    spec = {**trial.spec, "config": {**trial.spec["config"], "epochs": epochs}}
    return Trial(trial.number, trial.point, spec)


@pytest.fixture
def trial(search):  # noqa: F811
    cache.get_or_train(search[0])
    return search[0]


def there():
    return {*CHECKPOINTS.rglob("*.npz")}


def record(trial):
    cache.get_or_train(trial)
    return records.record(trial).path.read_bytes()


def anew(trial):
    CHECKPOINTS.rename(f"{CHECKPOINTS}.away")
    records.record(trial).path.unlink()
    records.cached(trial).path.unlink()
    return record(trial)


@pytest.mark.parametrize("epochs", [3, 5])
def test_a_trial_with_more_epochs_goes_on_and_has_the_same_record(trial, epochs, monkeypatch):
    longer, starts = with_epochs(trial, epochs), []
    monkeypatch.setattr(checkpoints, "find", lambda trial: starts.append(find(trial)) or starts[-1])
    assert _going_on([longer]) == f" (1 of them go on: {epochs - 2} epochs instead of {epochs})"
    continued = record(longer)
    assert starts[0] and anew(longer) == continued and starts[1:] == [None]
    assert _going_on([longer]) == ""


def test_the_longest_checkpoint_that_is_whole_is_taken(trial, caplog):
    record(with_epochs(trial, 4))
    short, long = (checkpoints.checkpoint(trial, length).path for length in (2, 4))
    assert there() == {short, long}
    assert find(with_epochs(trial, 9)) == long.read_bytes()
    assert find(with_epochs(trial, 4)) == find(with_epochs(trial, 3)) == short.read_bytes()
    assert find(trial) is None and find(with_epochs(trial, 1)) is None and not caplog.messages
    long.write_bytes(long.read_bytes()[:-1])
    assert find(with_epochs(trial, 9)) == short.read_bytes()
    assert caplog.messages == [f"{long}: is damaged, or of another processor; it is not used"]


def test_a_checkpoint_of_another_processor_is_not_taken(trial, caplog, monkeypatch):
    monkeypatch.setattr(checkpoints, "kernels", lambda: ["another"])
    assert find(with_epochs(trial, 9)) is None and "of another processor" in caplog.text


def test_another_training_has_other_checkpoints(trial, search):  # noqa: F811
    edited = with_epochs(trial, 9)
    edited.spec["config"]["lr"] /= 2
    assert find(edited) is find(with_epochs(search[1], 9)) is None


def test_the_newest_are_kept_up_to_a_size(search, monkeypatch):  # noqa: F811
    for age, trial in enumerate(search):
        cache.get_or_train(trial)
        os.utime(checkpoints.checkpoint(trial, 2).path, (1e9 + age, 1e9 + age))
    size = checkpoints.checkpoint(search[0], 2).path.stat().st_size
    assert checkpoints.WRITTEN.stat().st_size == pytest.approx(3 * size / 1000, abs=3)
    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "_delete_oldest", pytest.fail)
        patch.setattr(checkpoints, "limit", lambda: 10 * (4 * size + 4000))
        checkpoints.keep(search[1], find(with_epochs(search[1], 3)))  # all are no more than a tenth
    monkeypatch.setattr(checkpoints, "limit", lambda: int(2.5 * size))
    os.utime(checkpoints.checkpoint(search[1], 2).path, (1e9 + 1, 1e9 + 1))
    checkpoints.keep(search[0], find(with_epochs(search[0], 3)))  # the newest now
    assert there() == {checkpoints.checkpoint(search[i], 2).path for i in (0, 2)}
    monkeypatch.setattr(checkpoints, "limit", lambda: size - 1)
    checkpoints.keep(search[1], find(with_epochs(search[2], 3)))  # larger than all may be
    assert len(there()) == 2


def test_the_limit_is_set_by_a_variable(monkeypatch):
    monkeypatch.delenv("ZDL_CHECKPOINTS_MB", raising=False)
    assert checkpoints.limit() == 10**9
    monkeypatch.setenv("ZDL_CHECKPOINTS_MB", "2")
    assert checkpoints.limit() == 2_000_000
    monkeypatch.setenv("ZDL_CHECKPOINTS_MB", "much")
    with pytest.raises(Error, match=r"^ZDL_CHECKPOINTS_MB: 'much' is not a size \(allowed: a whole number"):
        checkpoints.limit()


def test_pruning_leaves_the_checkpoints_of_the_search(search):  # noqa: F811
    for trial in search:
        cache.get_or_train(trial)
    cache.prune([with_epochs(search[0], 7)])
    assert there() == {checkpoints.checkpoint(search[0], 2).path}
