"""What a linear model makes of the same images: whether a deep network buys anything is seen beside it.

It is scikit-learn's LogisticRegression with its own defaults (softmax, penalty 0.5 * sum(W**2)), which
nobody tuned, on the pixels as they are. Its loss is convex, so it has one best set of weights; found to eight
digits, they tell the same digits on every machine.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zdl.artifacts.encoding import decode_npz, sealed_json
from zdl.data.preprocess import Split
from zdl.search.replicates import split_again

TOLERANCE = 1e-8  # of the loss's gradient; the default of 1e-4 leaves a dozen images of 4,500 undecided


def baseline(
    split: bytes, prepared: bytes, held_out: bytes, splits: Sequence[Mapping[str, Any]], digest: str
) -> bytes:
    """What a linear model makes of the search's split, and of the split of each repeat."""
    images, unseen = decode_npz(prepared), decode_npz(held_out)
    contents = {
        "digest": digest,
        "search": linear(Split(**decode_npz(split)), unseen),
        "replicates": [linear(split_again(images, each), unseen) for each in splits],
    }
    return sealed_json(contents)


def linear(split: Split, held_out: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """The outcome of a fit to the training images of `split`: how many images of each set it recognises, and
    which of the held-out ones (x, t), one bit an image in hexadecimal."""
    from sklearn.dummy import DummyClassifier
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(solver="newton-cg", tol=TOLERANCE, max_iter=1000)
    if len(set(split.t_train)) < 2:  # of which no boundary can be learnt
        model = DummyClassifier(strategy="most_frequent")
    model.fit(split.x_train.astype(np.float64), split.t_train)
    train, val, hits = (
        model.predict(x.astype(np.float64)) == t
        for x, t in (
            (split.x_train, split.t_train),
            (split.x_val, split.t_val),
            (held_out["x"], held_out["t"]),
        )
    )
    return {
        "train_correct": int(train.sum()),
        "train_size": len(train),
        "val_correct": int(val.sum()),
        "val_size": len(val),
        "held_out_hits": np.packbits(hits).tobytes().hex(),
        "held_out_size": len(hits),
    }
