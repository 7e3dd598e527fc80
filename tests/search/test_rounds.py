"""A search that learns: names before points, and what follows from what."""

import json
import shutil

import pytest

from tests.engines import PARAMS
from tests.pipeline.test_cache import write_split
from zdl import Error
from zdl.artifacts import closure, fingerprint
from zdl.artifacts.encoding import CorruptFileError, sealed_json
from zdl.artifacts.io import read_json, write
from zdl.artifacts.schemas import is_record
from zdl.config.settings import load
from zdl.pipeline import cache, records, repair, steps
from zdl.pipeline.graph import Graph
from zdl.pipeline.paths import Paths
from zdl.pipeline.planned import find_trial
from zdl.pipeline.progress import Progress
from zdl.pipeline.records import ROUNDS, TRIALS
from zdl.search import plan
from zdl.search.samplers import Proposal

SPACE = {
    "lr": {"distribution": "log_uniform", "low": 1e-3, "high": 1e-1},
    "momentum": {"distribution": "uniform", "low": 0.1, "high": 0.9},
    "optimizer": {"distribution": "choice", "options": ["sgd", "momentum"]},
}


@pytest.fixture(scope="module")
def settings():
    settings = load(PARAMS)
    settings["model"].update(hidden_width=4, hidden_depth=1)
    settings["training"].update(epochs=1, batch_size=10)
    settings["search"].update(method="bayes", trials=10, batch=4, space=SPACE)
    return settings


@pytest.fixture
def paths(settings, tmp_path, monkeypatch):
    """A folder with nothing in it but the split, of 30 images."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZDL_TRAININGS", "trainings")
    return begun(settings)


@pytest.fixture(scope="module")
def whole(settings, tmp_path_factory):
    """A folder in which the whole search was played."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("ZDL_TRAININGS", "trainings")
        play(begun(settings))
    return folder


@pytest.fixture
def done(paths, whole, tmp_path):
    """The paths in a copy of that folder, with the keys that its trials have by their names."""
    shutil.copytree(whole, tmp_path, dirs_exist_ok=True)
    paths.keys = {trial.name: trial.key for trial in Progress(paths).all_trials()}
    return paths


def begun(settings):
    paths = Paths(settings)
    write_split(paths.split.digest)
    return paths


def train(paths, names=None):
    """Have the records of some trials, all that are known by default; the paths as it is then."""
    for name in Progress(paths).trials if names is None else names:
        trial = find_trial(paths.listing(name), name)
        cache.get_or_train(trial)
    return Paths(paths.settings)


def play(paths):
    """The whole search, as the engines play it; the paths as it is then."""
    steps.plan(paths, print)
    paths = train(paths)
    for place in paths.rounds:
        steps.propose(paths, print, place.name)
        paths = train(Paths(paths.settings))
    return paths


def trainings(tmp_path):
    names = (tmp_path / "trainings").read_text().split()
    (tmp_path / "trainings").unlink()
    return names


def names(settings, **search):
    return Paths({**settings, "search": {**settings["search"], **search}}).names


def test_every_name_is_known_before_anything_runs(settings):
    paths = Paths(settings)
    assert len(set(paths.names)) == 10 and list(Progress(paths).trials) == paths.names[:4]
    assert [name[:4] for name in paths.names] == [f"{place:04d}" for place in range(10)]
    assert [place.number for place in paths.rounds] == [1, 2]
    assert paths.names[:4] == names(settings, method="random")[:4]  # a random search, and then on from it


def test_more_trials_append_and_the_last_round_is_filled_up(settings):
    more = names(settings, trials=13)
    assert more[:10] == names(settings) and more[:3] == names(settings, trials=3)
    twelve = {**settings, "search": {**settings["search"], "trials": 12}}
    assert [place.name for place in Paths(twelve).rounds] == [place.name for place in Paths(settings).rounds]


@pytest.mark.parametrize(
    ("section", "edit", "first", "later"),
    [  # how many of the first round's four names stay, and whether the later ones do
        ("search", {"batch": 5}, 4, False),
        ("search", {"seed": 7}, 0, False),
        ("search", {"space": {**SPACE, "lr": {**SPACE["lr"], "low": 5e-4}}}, 3, False),
        ("search", {"space": dict(reversed(SPACE.items()))}, 4, True),
        ("training", {"weight_decay": 0.1}, 0, False),
        ("training", {"lr": 0.5}, 4, True),  # searched instead
        ("training", {"beta1": 0.5}, 4, True),  # neither sgd nor momentum has it
        ("model", {"activation": "sigmoid"}, 0, False),
        ("split", {"seed": 2}, 0, False),
        ("report", {"best": 3}, 4, True),
    ],
)
def test_later_names_stay_if_nothing_changes_that_their_points_follow_from(
    settings, section, edit, first, later
):
    before, after = names(settings), Paths({**settings, section: {**settings[section], **edit}}).names
    assert len(set(before[:4]) & set(after[:4])) == first
    assert len(set(before[4:]) & set(after)) == (6 if later else 0)


def test_points_follow_from_scores_and_records_are_found_under_both_names(paths, tmp_path):
    assert len(Progress(paths).all_trials(4)) == 4
    with pytest.raises(Error, match=r"results/trials/rounds/0001-\w+.json: is not there, or damaged"):
        Progress(paths).all_trials()
    paths = play(paths)
    trials = Progress(paths).all_trials()
    assert [trial.name for trial in trials] == paths.names and not Progress(paths).missing_records()
    assert len({trial.number for trial in trials}) == 10
    assert all(trial.number >= 10**8 and trial.name != trial.key for trial in trials[4:])
    assert all("momentum" in trial.point for trial in trials if trial.point["optimizer"] == "momentum")
    assert {path.stem for path in records.CACHE.iterdir()} == {trial.key for trial in trials}
    assert len(trainings(tmp_path)) == 10
    assert Progress(paths).name_of(9) == Progress(paths).name_of(trials[9].number) == paths.names[9]
    rows = plan.table(
        trials, (read_json(records.record(trial).path, trial.digest, is_record) for trial in trials)
    )
    assert [row["point"] for row in rows] == [trial.point for trial in trials]


def test_a_trial_whose_point_is_not_known_yet_is_refused_in_one_line(paths):
    steps.plan(paths, print)
    with pytest.raises(Error, match="is not in results/plan"):
        find_trial(paths.plan.path, [paths.names[5]])
    with pytest.raises(CorruptFileError, match="cannot be read"):
        find_trial(paths.listing(paths.names[5]), [paths.names[5]])
    with pytest.raises(Error, match="is not there, or damaged"):
        steps.propose(paths, print, paths.rounds[1].name)
    with pytest.raises(Error, match=f"{paths.names[0]}.json: cannot be read"):
        steps.propose(paths, print, paths.rounds[0].name)
    for unknown in ("1", "0001-0123456789ab"):
        with pytest.raises(Error, match=f"round {unknown}: is not part of this search"):
            steps.propose(paths, print, unknown)


def test_the_order_in_which_trials_finish_changes_nothing(paths, whole):
    steps.plan(paths, print)
    paths = train(paths, reversed(paths.names[:4]))
    for place in paths.rounds:
        steps.propose(paths, print, place.name)
        paths = train(Paths(paths.settings), reversed(place.names))
    for path in [*paths.records(), *map(paths.round_path, paths.rounds)]:
        assert path.read_bytes() == (whole / path).read_bytes()


FORGED = {
    "a point outside of the space": lambda line: line[1].update(lr=0.5),
    "a hyper-parameter that is not searched": lambda line: line[1].update(epochs=1),
    "a value of another type": lambda line: line[1].update(lr=1),
    "an option that is none": lambda line: line[1].update(optimizer="adam"),
    "another configuration": lambda line: line[2]["config"].update(epochs=9),
    "another seed": lambda line: line[2].update(seed=[42, 7]),
    "another number": lambda line: line.__setitem__(0, 7),
    "no point": lambda line: line.__setitem__(1, None),
    "a point of no shape": lambda line: line.__setitem__(1, [["lr", 0.01]]),
}


@pytest.mark.parametrize("edit", FORGED.values(), ids=FORGED)
def test_a_round_of_anything_else_than_points_of_the_space_is_refused(done, edit):
    """Its seal holds, which is anybody's to compute."""
    place = done.rounds[0]
    value = json.loads(Paths.round_path(place).read_bytes())
    del value["sha256"]
    edit(value[place.names[1]])
    write(Paths.round_path(place), sealed_json(value))
    assert len(Progress(Paths(done.settings)).trials) == 4
    (line,) = repair.repair(Paths(done.settings))
    assert line.startswith(f"{Paths.round_path(place)}: does not hold what it should")
    assert made_again(done) == 0


def made_again(paths):
    """What is trained when the search is played again from what is left; it comes out as it was."""
    left = len(cache.Path("trainings").read_text().split())
    after = Paths(paths.settings)
    for place in after.rounds:
        if not Paths.round_path(place).exists():
            steps.propose(after, print, place.name)
        after = Paths(paths.settings)
        known = map(records.record, Progress(after).trials.values())
        train(after, [path.stem for path in cache.missing(known)])
    assert {trial.name: trial.key for trial in Progress(Paths(paths.settings)).trials.values()} == paths.keys
    assert repair.repair(Paths(paths.settings)) == []
    return len(cache.Path("trainings").read_text().split()) - left


@pytest.mark.parametrize("damage", ["gone", "torn"])
@pytest.mark.parametrize("number", [1, 2])
def test_a_lost_round_is_proposed_again_and_its_trials_come_from_the_store(done, number, damage):
    place = done.rounds[number - 1]
    if damage == "gone":
        Paths.round_path(place).unlink()
    else:
        Paths.round_path(place).write_bytes(Paths.round_path(place).read_bytes()[:-9])
    lines = repair.repair(Paths(done.settings))
    assert [damage == "torn"] == [bool(lines)] and all("is damaged" in line for line in lines)
    assert not Paths.round_path(place).exists() and not any(
        record.exists() for record in done.records(place.names)
    )
    assert made_again(done) == 0


def test_a_round_that_does_not_follow_from_the_records_is_proposed_again(done):
    """A record of another score, whole and sealed, as another kind of processor might have made it."""
    trial = Progress(done).all_trials()[1]
    value = read_json(records.record(trial).path, trial.digest, is_record)
    score = value["outcome"]["curve"]["val_correct"]
    score[-1] = 5 - score[-1]
    write(records.record(trial).path, sealed_json(value))
    (line,) = repair.repair(Paths(done.settings))
    assert line.startswith(f"{done.round_path(done.rounds[0])}: does not follow from the records before it")
    assert not any(Paths.round_path(place).exists() for place in done.rounds)
    assert [record.exists() for record in done.records()] == [True] * 4 + [False] * 6
    steps.propose(Paths(done.settings), print, done.rounds[0].name)
    assert repair.repair(Paths(done.settings)) == []


def test_of_a_search_that_is_over_the_records_move_to_the_store_under_their_keys(done):
    trials = Progress(done).all_trials()
    keys = {trial.key for trial in trials}
    for path in records.CACHE.iterdir():
        path.unlink()
    cache.keep_only_records(done.records(done.names[:4]))
    assert {path.stem for path in TRIALS.glob("*.json")} == set(done.names[:4])
    assert {path.stem for path in records.CACHE.iterdir()} == keys - set(done.names)
    assert list(ROUNDS.iterdir()) == []
    assert cache.prune(trials) == 0 and cache.prune(done.first) == 6


def test_what_a_round_is_proposed_from(paths, whole):
    """The round before it and its scores; and of earlier ones what is missing, if nobody else asks for it."""
    plan_, one, two = paths.plan.path, *map(paths.round_path, paths.rounds)
    records = paths.records()
    assert Graph(paths).for_round(one.stem) == [plan_, *records[:4]]
    assert Graph(paths).for_round(two.stem) == [one, *records[4:8]]
    shutil.copytree(whole, ".", dirs_exist_ok=True)
    assert Graph(paths).for_round(two.stem) == []
    assert Graph(paths, complete=True).for_round(two.stem) == [one, *records[4:8]]
    two.unlink()
    records[1].unlink()
    assert Graph(paths).for_round(two.stem) == [one, *records[4:8], records[1]]


def test_every_damaged_file_is_named(done):
    one, two, *_ = map(done.round_path, done.rounds)
    record = done.records()[9]
    for path in (one, two, record):
        path.write_bytes(path.read_bytes()[:-9])
    lines = repair.repair(Paths(done.settings))
    assert [line.split(":")[0] for line in lines] == [str(one), str(two), str(record)]
    assert all("is damaged" in line and str(cache.CORRUPT) in line for line in lines)
    assert {path.stem for path in records.CACHE.iterdir()} == {*done.keys.values()}
    assert made_again(done) == 0


def test_a_round_that_a_rival_makes_meanwhile_is_left_alone(done):
    """What is there is read again under the lock."""
    two = done.round_path(done.rounds[1])
    data = two.read_bytes()
    two.unlink()
    old = Paths(done.settings)
    assert len(Progress(old).trials) == 8
    two.write_bytes(data)
    assert repair.repair(old) == [] and two.exists() and not Progress(done).missing_records()


def test_a_search_of_many_rounds_analyses_its_code_once(settings, paths, monkeypatch):
    analysed = []
    analyse = closure.Closure
    monkeypatch.setattr(closure, "Closure", lambda *args: analysed.append(args[1]) or analyse(*args))
    fingerprint.fingerprint.cache_clear()
    many = Paths({**settings, "search": {**settings["search"], "trials": 300, "batch": 1}})
    assert len(many.names) == len(set(many.names)) == 300 and len(Progress(many).trials) == 1
    first = many.first
    for place in many.rounds[:5]:
        first += place.trials([Proposal({"lr": 0.01, "optimizer": "sgd"})], first)
    assert len(analysed) == len(set(analysed))
