"""One trial: what determines it, its run, and its record.

A trial's digest covers its seeds, its hyper-parameters, the split it trains on, and the fingerprint of `run`,
so a record that exists under that digest is right, whoever made it and whenever. Trial processes import this
module and little else: their start-up counts as often as there are trials.
"""

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zdl.artifacts.io import File, decode_npz, digest, sealed_json
from zdl.artifacts.schemas import CLASSES, SPLIT, is_record
from zdl.nn.network import MultiLayerNet
from zdl.nn.optimizers import make
from zdl.nn.trainer import History, Trainer

TRIALS, SPLITS = Path("results/trials"), Path("data/split")
ROUNDS = TRIALS / "rounds"  # among the records: DVC warns of a directory of its own, where it stays empty
Say = Callable[[str], object]


class Trial:
    """A trial as the plan has it: `point` is what was chosen for it, `spec` all that determines its record.

    It is known by its `key`, which follows from that; and so is its record, but for a trial whose `name` was
    given before its point was (`zdl.search.rounds`).
    """

    entry = "zdl.search.trial:run"  # what makes its record
    fits = staticmethod(is_record)  # whether contents are a record of such a trial

    def __init__(
        self, number: int, point: Mapping[str, Any], spec: Mapping[str, Any], name: str | None = None
    ) -> None:
        self.number, self.point, self.spec = number, point, spec
        self.name = name or self.key

    @cached_property
    def digest(self) -> str:
        return digest(self.spec)

    @property
    def key(self) -> str:
        return f"{self.number:04d}-{self.digest[:12]}"

    @property
    def record(self) -> Path:
        return TRIALS / f"{self.name}.json"

    @property
    def file(self) -> File:
        """Its record, to be read."""
        return File(self.record, self.digest, self.fits)

    @property
    def inputs(self) -> dict[str, File]:
        """The files whose bytes its run is given."""
        return {"split": File(SPLITS / f"{self.spec['split'][:12]}.npz", self.spec["split"], SPLIT)}


def trial_spec(
    seed: int, number: int, config: Mapping[str, Any], split: str, run: tuple[str, Mapping[str, str]]
) -> dict[str, Any]:
    """All that determines a trial's record: `config` are its hyper-parameters, `split` the digest of what it
    trains on, and `run` the fingerprint of the function of this name."""
    code, libraries = run
    return {
        "seed": [seed, number],
        "config": config,
        "split": split,
        "code": code,
        "libraries": dict(libraries),
    }


def run(number: int, spec: Mapping[str, Any], split: bytes, say: Say | None = None) -> bytes:
    """The record of a trial, for which it is trained; `say` gets the book's lines on the way."""
    _, history = train(spec, decode_npz(split), say)
    return record(number, spec, describe(history))


def train(
    spec: Mapping[str, Any], split: Mapping[str, NDArray[Any]], say: Say | None = None
) -> tuple[MultiLayerNet, History]:
    """The network of a trial after its training on `split`; `say` gets the book's lines on the way."""
    config = dict(spec["config"])
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(spec["seed"])))
    network = MultiLayerNet(
        split["x_train"][0].size,
        config.pop("hidden_sizes"),
        CLASSES,
        **{name: config.pop(name) for name in ("activation", "weight_init", "weight_decay", "dtype")},
        rng=rng,
    )
    schedule = {name: config.pop(name) for name in ("epochs", "batch_size", "evaluate_samples")}
    optimizer = make(config.pop("optimizer"), **config)
    images = (split[name] for name in ("x_train", "t_train", "x_val", "t_val"))
    return network, Trainer(network, *images, **schedule, optimizer=optimizer, rng=rng, say=say).train()


def record(number: int, spec: Mapping[str, Any], outcome: Mapping[str, Any]) -> bytes:
    """What became of a trial, as the sealed file that is kept of it."""
    contents = {"trial": number, "spec": spec, "result": digest(outcome), "outcome": outcome}
    return sealed_json({"digest": digest(spec), **contents})


def describe(history: History) -> dict[str, Any]:
    """What came of a trial, in numbers that are the same on every machine: counts of images, and losses to
    4 significant digits. (The last bits of a matrix product differ between processors.) Hits are one bit an
    image of the validation set, in hexadecimal: those of the curve's last point, and after the last update.
    """
    final = history.final_hits
    return {
        "status": history.status,
        "curve": {
            "train_correct": history.train_correct,
            "train_size": history.train_size,
            "val_correct": history.val_correct,
            "val_size": history.val_size,
            "val_hits": np.packbits(history.val_hits).tobytes().hex(),
        },
        "final": final
        if final is None
        else {
            "val_correct": int(np.count_nonzero(final)),
            "val_size": len(final),
            "val_hits": np.packbits(final).tobytes().hex(),
        },
        "loss": [float(f"{loss:.4g}") for loss in history.loss],
    }
