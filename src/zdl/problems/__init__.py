"""What is searched: a problem is one module, named by `problem` in params.yaml.

That is a module of this package, or `problems/<name>.py` at the top of the repository. It has

    HYPERPARAMETERS         the settings of a training, by name (`real`, `whole`, `choice`, `Setting`)
    load(data, files)       the rows: `Rows`
    train(config, split, rng, say)
                            trains on `split.x_train` and `split.t_train`; all that is fitted to data, scaling
                            too, is fitted here. Returns its `History`, and a function that answers rows
                            x (n, ...) with the probability of each class (n, classes). If it also has an
                            argument `start`, that is the history of the same training with fewer `epochs`,
                            with the `state` that was left in it, to go on from

and, where it needs them,

    DATA                    the settings under `data` (`Setting`)
    FETCH                   the names of those that say where data come from, and change nothing in them
    files(data)             the files under problems/ that it reads: `load` gets their bytes by these paths
    fetch(data, say)        bytes from elsewhere, for `load`, which compares them with pinned checksums
    prepare(x)              rows as numbers, without anything that is fitted
    weights(predictor)      arrays to save of the best trial
    linear()                a linear model of scikit-learn to compare with
    SCORE                   the name of a scorer of scikit-learn, if that is not accuracy: `train` then gives
                            a `ScoreHistory`. If it is one of regression, labels are numbers, and the function
                            answers each row with a number (n,)
    IMAGE                   the shape of a row that can be shown as an image, such as (28, 28)
    check(settings)         what is wrong with settings, beyond what each may be: (keys, text)
    notes(settings)         what is allowed but may not be meant, a line each
    words(settings)         what the report says: see `zdl.config.words`

`config` holds the values of a trial, drawn or fixed, of all settings that play a part. Every random draw
comes from `rng`, or from a seed that is drawn from it.
"""

from zdl.config.hyperparameters import Hyperparameter, Setting, choice, real, whole
from zdl.data.rows import Rows, Split, hold_out
from zdl.nn.history import History
from zdl.nn.score_history import ScoreHistory

__all__ = [
    "History",
    "Hyperparameter",
    "Rows",
    "ScoreHistory",
    "Setting",
    "Split",
    "choice",
    "hold_out",
    "real",
    "whole",
]
