"""Checks of the exercises in notebook 06: windows, the free run, a split in time; training_loop.py has the others."""

import numpy as np

from rnn_lib import RNN
from rnn_lib.data import windows
from rnn_lib.exercises.verdict import (
    Verdict,
    attempt,
    is_right,
    judge,
    require,
    returns_report,
    safe_describe,
)
from rnn_lib.generate import free_run

__all__ = ["check_windows", "check_free_run", "check_split"]


@returns_report
def check_windows(make_windows):
    """Check exercise 1: `make_windows(series, length) -> (X, target)`, both (length, B, 1)."""
    for n_points, length in ((9, 4), (6, 4), (4, 3), (3, 1)):
        series = np.random.default_rng(n_points).normal(size=n_points)
        try:
            pair = attempt(make_windows, series, length)
        except Verdict as verdict:
            past = f"{verdict.report.message} Does the last window leave a value to be its last target?"
            cause = verdict.__cause__
            ragged = "same shape" in str(cause) or "inhomogeneous" in str(cause)  # slices of unequal length
            require(not ragged and not isinstance(cause, IndexError), "past_the_end", past)
            raise
        is_pair = isinstance(pair, tuple | list) and len(pair) == 2
        require(is_pair, "wrong_type", f"expected the pair (X, target), got {safe_describe(pair)}.")
        X, target = windows(series, length)
        swapped = is_right(pair[0], target) and is_right(pair[1], X)
        require(not swapped, "pair_swapped", "X and target are swapped: return the inputs first.")
        judge("X", pair[0], X, window_mistakes(series, length))
        judge("target", pair[1], target, target_mistakes(series, length))
    return "all windows, and behind every step the value that comes next."


def window_mistakes(series, length):
    """What known mistakes leave in X."""
    X, _ = windows(series, length)
    too_many, _ = windows(np.append(series, 0.0), length)  # one more value, so that one more window fits
    mistakes = [
        ("one_too_many", too_many, "the last window ends at the series' end: no value is left to be its last target."),
        ("batch_first", X.transpose(1, 0, 2), "the shape is (B, length, 1). In this course time comes first."),
        ("feature_missing", X[..., 0], "the last axis is missing: (length, B, 1), one input value a step."),
        ("feature_missing", X[..., 0].T, "time comes first, and the last axis is missing: (length, B, 1)."),
    ]
    if X.shape[1] > 1:
        advice = "reshape only cuts the rows anew. To exchange axes, transpose: .T"
        mistakes.append(("reshaped", X.transpose(1, 0, 2).reshape(X.shape), advice))
        mistakes.append(("last_window_missing", X[:, :-1], "one more window fits. Whose last target is series[-1]?"))
    return mistakes


def target_mistakes(series, length):
    """What known mistakes leave in the target."""
    X, target = windows(series, length)
    wrap = np.roll(series, -2)
    two_ahead = np.stack([wrap[b : b + length] for b in range(X.shape[1])], axis=1)[..., None]
    back = np.roll(series, 1)
    one_back = np.stack([back[b : b + length] for b in range(X.shape[1])], axis=1)[..., None]
    last_only = "that is one target a window. Every step has one: the value that follows it."
    return [
        ("target_is_input", X, "the target is the input itself. A network learns to copy it, and forecasts nothing."),
        ("two_ahead", two_ahead, "the target is two steps ahead of the input. Which value follows X[t, b]?"),
        ("one_back", one_back, "the target is the value before the input: that is the past."),
        ("batch_first", target.transpose(1, 0, 2), "the shape is (B, length, 1). In this course time comes first."),
        ("feature_missing", target[..., 0], "the last axis is missing: (length, B, 1), one output value a step."),
        ("last_step_only", target[-1], last_only),
        ("last_step_only", target[-1, :, 0], last_only),
        ("last_step_only", target[-1:], last_only),
    ]


@returns_report
def check_free_run(run_free):
    """Check exercise 4: `run_free(model, series, warm_up)`, the forecasts of series[warm_up:], (T - warm_up, B, 1)."""
    for seed, (T, B, warm_up) in enumerate(((14, 2, 6), (14, 2, 6), (5, 1, 1), (4, 3, 3))):
        model, series = fresh_model(seed), np.random.default_rng(seed).normal(size=(T, B, 1))
        value = attempt(run_free, model, series, warm_up)
        right = free_run(fresh_model(seed), series[:warm_up], T - warm_up)
        try:
            judge("the forecast", value, right, free_run_mistakes(seed, series, warm_up))
        except Verdict as verdict:
            if verdict.report.kind == "unknown":
                other = series.copy()
                other[warm_up:] += 1
                again = attempt(run_free, fresh_model(seed), other, warm_up)
                same = is_right(again, value)
                require(same, "reads_the_future", "your forecast changes with series[warm_up:]. Where do you read it?")
            raise
    return "the truth up to the warm-up's end, then nothing but its own outputs and its state."


def fresh_model(seed):
    """Return a small RNN with weights of order one and non-zero biases; its state matters."""
    model = RNN(1, 3, 1, seed=seed)
    rng = np.random.default_rng(seed)
    for param in model.params.values():
        param[...] = rng.uniform(0.3, 0.9, param.shape) * rng.choice([-1, 1], param.shape)
    return model


def free_run_mistakes(seed, series, warm_up):
    """What known mistakes leave: (kind, forecasts, advice)."""
    model = fresh_model(seed)
    n_steps = len(series) - warm_up
    outputs = model.forward(series[:warm_up])
    warm, last_input, first = model.state, series[warm_up - 1 : warm_up], outputs[-1:]

    def roll(x, state, steps, feed_back=True, carry_state=True):
        made = [np.empty((0, *x.shape[1:]))]
        for _ in range(steps):
            made.append(model.forward(x, state))
            x = made[-1] if feed_back else x
            state = model.state if carry_state else state
        return np.concatenate(made)

    right = np.concatenate([first, roll(first, warm, n_steps)])  # one step more than asked for
    return [
        ("teacher_forced", model.forward(series[:-1])[warm_up - 1 :],
         "from the second forecast on the true values are read. Each input must be the output before it."),
        ("state_reset", np.concatenate([first, roll(first, None, n_steps - 1, carry_state=False)]),
         "every step starts from an empty memory. What does model.forward need besides the input to carry on?"),
        ("warm_up_forgotten", np.concatenate([first, roll(first, None, n_steps - 1)]),
         "after the warm-up the memory starts from zero. Pass the state that the warm-up left."),
        ("state_frozen", np.concatenate([first, roll(first, warm, n_steps - 1, carry_state=False)]),
         "each step starts from the state at the end of the warm-up. Read model.state again after every step."),
        ("last_value_twice", roll(last_input, warm, n_steps),
         "the last true value is read twice: the warm-up has read it already, and its last output is forecast 1."),
        ("input_frozen", np.concatenate([first, roll(last_input, warm, n_steps - 1, feed_back=False)]),
         "every step reads the last true value. Which value comes in after the first forecast?"),
        ("no_warm_up", roll(last_input, None, n_steps),
         "only the last true value is read. Pass the whole warm-up through the model first: it fills the memory."),
        ("starts_late", right[1:], "your first forecast is the second one. The warm-up's last output is the first."),
        ("one_too_many", right, "one forecast too many: T - warm_up, with the warm-up's last output."),
        ("one_missing", right[:-2], "one forecast is missing: T - warm_up, with the warm-up's last output."),
        ("warm_up_included", np.concatenate([outputs[:-1], right[:-1]]),
         "you also return the outputs during the warm-up. Return the forecasts of series[warm_up:]."),
        ("warm_up_included", np.concatenate([series[:warm_up], right[:-1]]),
         "you also return the warm-up itself. Return the forecasts of series[warm_up:]."),
    ]


@returns_report
def check_split(split):
    """Check exercise 5: `split(series, n_train) -> (z_train, z_test)`, both standardised with training numbers."""
    for n_points, n_train in ((20, 12), (9, 6)):
        series = 3 + np.random.default_rng(n_points).normal(size=n_points).cumsum()
        pair = attempt(split, series, n_train)
        is_pair = isinstance(pair, tuple | list) and len(pair) == 2
        require(is_pair, "wrong_type", f"expected the pair (z_train, z_test), got {safe_describe(pair)}.")
        train, test = series[:n_train], series[n_train:]
        mean, std = train.mean(), train.std()
        right = [(train - mean) / std, (test - mean) / std]
        swapped = is_right(pair[0], right[1]) and is_right(pair[1], right[0])
        require(not swapped, "pair_swapped", "the two parts are swapped: training first.")
        try:
            judge("z_train", pair[0], right[0], split_mistakes(series, train, train, n_train))
            judge("z_test", pair[1], right[1], [
                ("own_numbers", (test - test.mean()) / test.std(),
                 "the test is standardised with its own mean and deviation: numbers that nobody has in advance."),
                ("one_missing", right[1][1:], "one value is missing: the test begins right after the training part."),
                ("overlap", (series[n_train - 1 :] - mean) / std, "one value is in both parts."),
                *split_mistakes(series, train, test, n_train),
            ])
        except Verdict as verdict:
            again = attempt(split, series, n_train)
            changes = verdict.report.kind == "unknown" and not is_right(again[0], np.asarray(pair[0], dtype=float))
            require(not changes, "shuffled", "each call gives another split. Split in time: the first part trains.")
            mixed = verdict.report.kind == "unknown" and is_right(in_order(np.concatenate(pair)), in_order(series))
            require(not mixed, "shuffled", "these are the series' values in another order. Split in time: in a mixed "
                    "training part stand the neighbours of every test value.")
            raise
    return "the past trains, the future tests, and the units of both come from the past."


def in_order(values):
    """Return the values in order of size, from 0 to 1."""
    values = np.sort(values)
    return (values - values[0]) / (values[-1] - values[0])


def split_mistakes(series, train, part, n_train):
    """What known mistakes leave in one part of the series."""
    mean, std = train.mean(), train.std()
    leak = "mean and deviation are those of the whole series: the test leaks into the training. Use the first part's."
    return [
        ("leak", (part - series.mean()) / series.std(), leak),
        ("half_leak", (part - mean) / series.std(), "the deviation is that of the whole series."),
        ("half_leak", (part - series.mean()) / std, "the mean is that of the whole series."),
        ("not_standardised", part, "the values are as they came. Subtract the mean and divide by the deviation."),
        ("not_divided", part - mean, "divide by the training deviation too."),
        ("not_centred", part / std, "subtract the training mean first."),
        ("min_max", (part - train.min()) / np.ptp(train),
         "that maps the smallest value to 0 and the largest to 1. To standardise takes the mean and the deviation."),
        ("precedence", part - mean / std, "`part - mean / std` divides first: set brackets round the difference."),
        ("variance", (part - mean) / train.var(), "that is the variance. Its root, .std(), has the series' units."),
        ("sample_deviation", (part - mean) / train.std(ddof=1), "a fine choice, but here NumPy's own .std() is meant."),
    ]
