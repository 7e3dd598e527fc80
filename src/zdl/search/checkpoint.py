"""Checkpoints: the state of a finished training, from which a longer one continues.

The hyper-parameter `epochs`, if a problem has one, decides how long a training lasts. The rest of a trial's
spec decides its course. A checkpoint saves time and does not change the record.
"""

import json
from collections.abc import Mapping
from inspect import signature
from typing import Any

import numpy as np

from zdl.artifacts.encoding import decode_npz, digest, sealed_npz
from zdl.data.scores import ACCURACY
from zdl.nn.history import History

COUNTS = ("train_size", "val_size", "train_correct", "val_correct")


def epochs(spec: Mapping[str, Any]) -> int | None:
    """The number of epochs of a trial; None if its problem has no hyper-parameter `epochs`."""
    number: int | None = spec["config"].get("epochs")
    return number


def course(spec: Mapping[str, Any]) -> str:
    """The digest of all that determines a training, except the number of epochs."""
    config = {name: value for name, value in spec["config"].items() if name != "epochs"}
    return digest({**spec, "config": config})


def goes_on(train: Any) -> bool:
    """Whether a function that trains can continue from a checkpoint."""
    return "start" in signature(train).parameters


def encode(history: History, digest: str) -> bytes | None:
    """The checkpoint of a training, as a sealed file.

    None if `digest` is empty, the training did not finish or left no state, or the score is not accuracy.
    """
    if not digest or history.score != ACCURACY or not history.state or history.status != "finished":
        return None
    counts = json.dumps([getattr(history, name) for name in COUNTS])
    state = {f"state {name}": array for name, array in history.state.items()}
    curve = {"counts": np.array(counts), "val_hits": history.val_hits, "loss": np.array(history.loss)}
    return sealed_npz({**curve, **state}, digest)


def decode(data: bytes) -> History:
    """The history in a checkpoint, with the state to continue from."""
    arrays = decode_npz(data)
    counts = dict(zip(COUNTS, json.loads(str(arrays["counts"])), strict=True))
    state = {name.removeprefix("state "): arrays[name] for name in arrays if name.startswith("state ")}
    return History(**counts, val_hits=arrays["val_hits"], loss=arrays["loss"].tolist(), state=state)
