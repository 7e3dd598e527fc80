"""No two generators of a search draw the same bits, whichever seeds the settings have."""

import itertools

import numpy as np
import pytest

from tests.analysis.test_significance import LR, configured
from zdl.search import plan
from zdl.search.replicates import replicates, splits

BIG = 7 + 2**32  # which NumPy reads as [7, 1]


def keys(search, split, replicate):
    """The keys of every generator: of the search's split, its trials, the replicates' splits and theirs."""
    settings = configured({"lr": LR}, trials=5)
    for section, seed in (("search", search), ("split", split), ("replicate", replicate)):
        settings[section] = {**settings[section], "seed": seed}
    trials, parts = plan.trials(settings), splits(settings, "")
    again = [each for trial in trials for each in replicates(trial, parts, "", ("", {}))]
    parts_of_search = [split, *(trial.spec["seed"] for trial in trials)]
    return parts_of_search, [each["seed"] for each in parts], [each.spec["seed"] for each in again]


@pytest.mark.parametrize("seeds", [*itertools.product((0, 7, BIG), repeat=3)])
def test_every_stream_has_its_own_bits(seeds):
    drawn = [
        tuple(np.random.PCG64(np.random.SeedSequence(key)).random_raw(2))
        for key in itertools.chain(*keys(*seeds))
    ]
    assert len(set(drawn)) == len(drawn)


def test_seeds_that_differ_are_keys_of_plain_numbers():
    """As who writes the loop anew would have them; and no record changes for what cannot meet."""
    own, parts, again = keys(42, 1, 7)
    assert own == [1, *([42, trial] for trial in range(5))]
    assert parts == [[7, number] for number in range(1, 11)]
    assert again == [[7, trial, number] for trial in range(5) for number in range(1, 11)]
