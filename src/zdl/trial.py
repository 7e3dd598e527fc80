"""One trial: what determines it, its run, and its record.

A trial's digest covers its seeds, its hyper-parameters, the split it trains on, NumPy's version and the
code below, so a record that exists under that digest is right, whoever made it and whenever. Trial
processes import this module and little else: their start-up counts as often as there are trials.
"""

from collections.abc import Callable, Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zdl.files import digest, read_npz, sealed_json
from zdl.kinds import SPLIT, is_record
from zdl.network import MultiLayerNet
from zdl.optimizers import make
from zdl.trainer import History, Trainer

TRIALS, SPLITS = Path("results/trials"), Path("data/split")
ROUNDS = TRIALS / "rounds"  # among the records: DVC warns of a directory of its own, where it stays empty
CLASSES = 10
CODE = ("layers", "network", "optimizers", "trainer", "trial")


class Trial:
    """A trial as the plan has it: `point` is what was chosen for it, `spec` all that determines its record.

    It is known by its `key`, which follows from that; and so is its record, but for a trial whose `name` was
    given before its point was (`zdl.rounds`).
    """

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
    def split(self) -> Path:
        return SPLITS / f"{self.spec['split'][:12]}.npz"

    def run(self, say: Callable[[str], object] | None = None) -> bytes:
        """Its record, for which it is trained; `say` gets the book's lines on the way."""
        _, history = train(self, _images(self.split, self.spec["split"]), say)
        return record(self, describe(history))


@lru_cache(maxsize=1)
def _images(path: Path, digest: str) -> Mapping[str, NDArray[Any]]:
    return read_npz(path, digest, SPLIT)


def specify(seed: int, number: int, config: Mapping[str, Any], split: str, code: str) -> dict[str, Any]:
    """All that determines a trial's record; `split` and `code` are digests, `config` its hyper-parameters."""
    return {"seed": [seed, number], "config": config, "split": split, "numpy": np.__version__, "code": code}


def train(
    trial: Trial, split: Mapping[str, NDArray[Any]], say: Callable[[str], object] | None = None
) -> tuple[MultiLayerNet, History]:
    """The network of `trial` after its training on `split`; `say` gets the book's lines on the way."""
    config = dict(trial.spec["config"])
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(trial.spec["seed"])))
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


def record(trial: Trial, outcome: Mapping[str, Any]) -> bytes:
    """What became of `trial`, as the sealed file that is kept of it."""
    contents = {"trial": trial.number, "spec": trial.spec, "result": digest(outcome), "outcome": outcome}
    return sealed_json({"digest": trial.digest, **contents})


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
