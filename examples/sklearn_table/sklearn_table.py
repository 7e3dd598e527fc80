"""Which model of scikit-learn tells malignant from benign tumours: an SVM or gradient boosting, and how set.

The table comes with scikit-learn: Breast Cancer Wisconsin (Diagnostic), by W. H. Wolberg, O. L. Mangasarian
and W. N. Street, by way of the UCI Machine Learning Repository (CC BY 4.0).
"""

import hashlib

import numpy as np

from zdl import Error
from zdl.problems import History, choice, hold_out, real, whole

SVM, RBF, POLY = {"estimator": ["svm"]}, {"kernel": ["rbf"]}, {"kernel": ["poly"]}
BOOSTING = {"estimator": ["boosting"]}
DATA = {"held_out": real(0.01, 0.99), "seed": whole(0, 2**31)}
HYPERPARAMETERS = {
    "estimator": choice("svm", "boosting"),
    "kernel": choice("rbf", "poly", when=SVM),
    "cost": real(1e-6, 1e6, log=True, when=SVM, title="C of the SVM"),
    "gamma": real(1e-8, 1e4, log=True, when=RBF),
    "degree": whole(1, 9, when=POLY),
    "learning_rate": real(1e-5, 1.0, log=True, when=BOOSTING),
    "leaves": whole(2, 256, when=BOOSTING, title="Leaves of a tree"),
    "rounds": whole(1, 10_000, when=BOOSTING, title="Rounds of boosting"),
}
SHA256 = "25e2eb7b7a8745b1bde5ba18bc4969983d2e2f403291ecd5bde4a29ef30c3859"


def load(data, files):
    from sklearn.datasets import load_breast_cancer

    table = load_breast_cancer()
    if hashlib.sha256(table.data.tobytes() + table.target.tobytes()).hexdigest() != SHA256:
        raise Error("load_breast_cancer: gives another table than this search is made for")
    return hold_out(
        table.data,
        table.target_names[table.target],
        share=data["held_out"],
        seed=data["seed"],
        columns=list(table.feature_names),
    )


def train(config, split, rng, say):
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    if config["estimator"] == "svm":
        options = {"gamma": config["gamma"]} if config["kernel"] == "rbf" else {"degree": config["degree"]}
        svm = SVC(C=config["cost"], kernel=config["kernel"], **options)
        model = make_pipeline(StandardScaler(), svm)  # scaled by the training rows alone
    else:
        model = HistGradientBoostingClassifier(
            learning_rate=config["learning_rate"],
            max_leaf_nodes=config["leaves"],
            max_iter=config["rounds"],
            early_stopping=False,
            random_state=int(rng.integers(2**31)),
        )
    model.fit(split.x_train, split.t_train)

    def predict(x):  # an SVM gives no probabilities: 1 for its answer
        return np.eye(len(split.classes))[model.predict(x)]

    history = History(len(split.t_train), len(split.t_val), say)
    val = model.predict(split.x_val) == split.t_val
    history.evaluate(model.predict(split.x_train) == split.t_train, val)  # one point: there are no epochs
    history.finish(val)
    return history, predict
