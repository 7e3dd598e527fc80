"""The table of a search's outcomes."""

import numpy as np
import pytest

from zdl.artifacts.encoding import decode_json, sealed_json, sealed_npz
from zdl.search import plan


@pytest.mark.parametrize(("evaluated", "commonest"), [(7, 3), (3, 2)])
def test_a_table_counts_the_commonest_class_of_the_images_that_score_trials(evaluated, commonest):
    """Neither training images nor, under evaluate_samples, further validation images score a trial."""
    labels = {"t_train": np.full(9, 5, np.uint8), "t_val": np.array([1, 0, 1, 2, 3, 3, 3], np.uint8)}
    curve = {"val_size": evaluated}
    record = sealed_json({"digest": "r", "result": "r", "outcome": {"loss": [], "curve": curve}})
    trial = {"0-a": [0, {}, {"trial": [7, 0], "libraries": {"numpy": "2.4.6"}}]}
    table = plan.table_file(
        plan.plan_file(trial, [], "p"),
        [],
        [record],
        split=sealed_npz(labels, "s"),
        names=["0-a"],
        digest="t",
    )
    assert decode_json(table)["commonest"] == commonest
    assert decode_json(table)["libraries"] == {"numpy": "2.4.6"}
