"""The soak in short: what once broke the promise, a little at random, and defects that it must catch."""

import random

import pytest

from tests.soak import DEFECTS, Broken, Oracle, Template, play, sequence


@pytest.fixture(scope="session")
def oracles(shared):
    """A folder for all oracles, of whichever process."""
    return shared / "oracles"


@pytest.fixture(scope="session")
def template(fresh, searched, pushed, oracles, tmp_path_factory):
    folder = tmp_path_factory.mktemp("played")
    return Template(folder, fresh=fresh, searched=searched, built=pushed, oracle=Oracle(oracles))


FOUND = {  # by the seed that found it, shrunk
    # A pulled clone had no manifests; the pages asked for `rank`'s, and DVC saw no reason to run that.
    "by hand 1": "built pull change:figures finish:dvc",
    # Two engines at once: one deleted what it was about to make, the other failed to read it.
    "204-22": "fresh both:dvc:snakemake:0.368 finish:snakemake",
}


def test_a_search_that_learns_keeps_it(template):
    """Its later trials have names before they have points."""
    play(template, "fresh edit:method:bayes kill:group:snakemake:0.6 finish:dvc")


@pytest.mark.parametrize("words", FOUND.values(), ids=FOUND)
def test_what_once_broke_the_promise_keeps_it(template, words):
    play(template, words)


def test_a_random_sequence_keeps_it(template):
    play(template, sequence(random.Random("short 1")))


CAUGHT = {  # after a first run: the actions by which a defect shows, and what is said of it
    "no lock": ("delete:.zdl delete:results/trials both:snakemake:snakemake:0", "trained, and need not be"),
    "no checksum": ("damage:digit:results/trials:0:0.99 run:snakemake", "results/trials/0000-.* is not what"),
    "a digest that forgets a setting": (
        "run:snakemake edit:best:3 run:snakemake",
        "README.ja.md is not what",
    ),
    "a write that is not atomic": (  # one record is to be made, so that no other process repairs the torn one
        "damage:delete:.zdl/trials:0 damage:delete:results/trials:0 crash:write:0:300:snakemake",
        "is torn",
    ),
    "a report that trusts time stamps": (
        "damage:append:reports:0.97 touch:same run:snakemake",  # so that no table is newer than its manifest
        "space.csv is not what",
    ),
    "a cache that restores unverified": (
        "damage:digit:.zdl/trials:0:0.99 damage:delete:results/trials:0 run:snakemake",
        "results/trials/0000-.* is not what",
    ),
}


def test_without_a_defect_nothing_is_caught(searched, oracles, tmp_path):
    actions = " ".join(words for words, _ in CAUGHT.values())
    play(Template(tmp_path, searched=searched, oracle=Oracle(oracles)), f"searched {actions}")


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_planted_defect_is_caught(searched, oracles, tmp_path, defect):
    words, says = CAUGHT[defect]
    code = None if "digest" in defect else searched  # that defect gives files other names
    template = Template(tmp_path, defect, searched=searched, oracle=Oracle(oracles, code))
    with pytest.raises(Broken, match=says):
        play(template, f"searched {words}")
