"""A PyTorch network on a CSV: which of three grapes a wine is made of, by thirteen measurements.

The wines are those of M. Forina et al., PARVUS, by way of the UCI Machine Learning Repository (CC BY 4.0).
"""

import io

import numpy as np

from zdl.problems import History, choice, hold_out, real, whole

FILE = "problems/wine.csv"
DATA = {"held_out": real(0.01, 0.99), "seed": whole(0, 2**31)}
HYPERPARAMETERS = {
    "lr": real(1e-6, 10.0, log=True, title="Learning rate"),
    "weight_decay": real(1e-10, 10.0, log=True),
    "optimizer": choice("sgd", "adam"),
    "momentum": real(0.0, 0.99, when={"optimizer": ["sgd"]}),
    "width": whole(1, 1024, title="Neurons of the hidden layer"),
    "batch_size": whole(1, 100_000),
    "epochs": whole(1, 100_000),
}


def files(data):
    return [FILE]


def load(data, files):
    import pandas as pd  # here alone: every step imports this module

    table = pd.read_csv(io.BytesIO(files[FILE]))
    x, labels = table.drop(columns="class"), table["class"]
    return hold_out(
        x.to_numpy(float), labels, share=data["held_out"], seed=data["seed"], columns=list(x.columns)
    )


def train(config, split, rng, say):
    import torch

    torch.use_deterministic_algorithms(True)
    torch.manual_seed(int(rng.integers(2**31)))
    mean, sd = split.x_train.mean(axis=0), split.x_train.std(axis=0)  # of the training rows alone
    x, t = torch.tensor((split.x_train - mean) / sd), torch.tensor(split.t_train.astype(np.int64))
    network = torch.nn.Sequential(
        torch.nn.Linear(x.shape[1], config["width"]),
        torch.nn.ReLU(),
        torch.nn.Linear(config["width"], len(split.classes)),
    ).double()
    options = {"lr": config["lr"], "weight_decay": config["weight_decay"]}
    if config["optimizer"] == "sgd":
        optimizer = torch.optim.SGD(network.parameters(), momentum=config["momentum"], **options)
    else:
        optimizer = torch.optim.Adam(network.parameters(), **options)

    def predict(x):
        with torch.no_grad():
            return network(torch.tensor((x - mean) / sd)).softmax(dim=1).numpy()

    def hits(x, t):
        return predict(x).argmax(axis=1) == t

    history = History(len(split.t_train), len(split.t_val), say)
    for _ in range(config["epochs"]):
        for rows in torch.randperm(len(x)).split(config["batch_size"]):
            loss = torch.nn.functional.cross_entropy(network(x[rows]), t[rows])
            if not torch.isfinite(loss):
                history.diverge()
                return history, predict
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            history.loss.append(loss.item())
        history.evaluate(hits(split.x_train, split.t_train), hits(split.x_val, split.t_val))
    history.finish(hits(split.x_val, split.t_val))
    return history, predict
