"""What is searched: a small network of scikit-learn that tells three kinds of iris apart.

Replace the table, the hyper-parameters and the training by your own: docs/your-own-problem.md explains them.
The flowers are R. A. Fisher's (1936), by way of the UCI Machine Learning Repository (CC BY 4.0).
"""

import io

from zdl.problems import History, choice, hold_out, real, whole

FILE = "problems/skeleton.csv"
# The settings under data and training in params.yaml, with their bounds: ranges that are searched lie inside.
DATA = {"held_out": real(0.01, 0.99), "seed": whole(0, 2**31)}
HYPERPARAMETERS = {
    "lr": real(1e-6, 1.0, log=True, title="Learning rate"),
    "weight_decay": real(1e-10, 10.0, log=True),
    "optimizer": choice("sgd", "adam"),
    "momentum": real(0.0, 0.99, when={"optimizer": ["sgd"]}),  # plays no part under adam
    "width": whole(1, 1024, title="Neurons of the hidden layer"),
    "epochs": whole(1, 10_000),
}


def files(data):
    """The files that `load` reads: an edit of one trains again what depends on it."""
    return [FILE]


def load(data, files):
    """The rows, of which a share is held out until the end."""
    import pandas as pd  # here alone: every step imports this module

    table = pd.read_csv(io.BytesIO(files[FILE]))
    x, labels = table.drop(columns="class"), table["class"]
    return hold_out(
        x.to_numpy(float), labels, share=data["held_out"], seed=data["seed"], columns=list(x.columns)
    )


def train(config, split, rng, say):
    """Train on the training rows alone. Every random number comes from `rng`."""
    from sklearn.neural_network import MLPClassifier
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(split.x_train)
    network = MLPClassifier(
        (config["width"],),
        solver=config["optimizer"],
        learning_rate_init=config["lr"],
        alpha=config["weight_decay"],
        momentum=config.get("momentum", 0.9),
        random_state=int(rng.integers(2**31)),
    )
    x, classes = scaler.transform(split.x_train), range(len(split.classes))

    def predict(x):
        return network.predict_proba(scaler.transform(x))

    def hits(x, t):
        return predict(x).argmax(axis=1) == t

    history = History(len(split.t_train), len(split.t_val), say)  # by accuracy; the guide has other scores
    for _ in range(config["epochs"]):
        network.partial_fit(x, split.t_train, classes=classes)
        history.loss.append(float(network.loss_))
        history.evaluate(hits(split.x_train, split.t_train), hits(split.x_val, split.t_val))
    history.finish(hits(split.x_val, split.t_val))  # or history.diverge(), if a loss is not finite
    return history, predict
