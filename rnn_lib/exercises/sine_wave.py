"""Checks of the exercises in notebook 06: baselines, windows, the free run, and a small experiment."""

import numpy as np

from rnn_lib import RNN
from rnn_lib.data import windows
from rnn_lib.exercises.verdict import (
    Verdict,
    attempt,
    is_right,
    is_unfilled,
    judge,
    require,
    require_dict,
    returns_report,
    safe_describe,
)
from rnn_lib.generate import free_run

__all__ = ["check_last_value_mse", "check_straight_line", "check_windows", "check_free_run", "check_hidden_sizes"]

PERIODS = (8, 25, 100)
LARGEST, LIMIT = 8, 0.1  # exercise 5: hidden sizes up to this, and what counts as a good free run


@returns_report
def check_last_value_mse(last_value_mse):
    """Check exercise 1: the mean squared error of the last-value forecast, by the points in a period."""
    got = []
    for period in PERIODS:
        got.append(attempt(last_value_mse, period))
    omega = 2 * np.pi / np.array(PERIODS)
    swing = 2 * np.sin(omega / 2)  # height of the wave of errors
    absolute = "that is the mean absolute error. Square before you take the mean."
    measured = [np.abs(np.diff(np.sin(w * np.arange(P + 1)))).mean() for w, P in zip(omega, PERIODS, strict=True)]
    short = [np.mean(np.diff(np.sin(w * np.arange(200))) ** 2) for w in omega]
    mistakes = [
        ("mean_square_missing", swing**2, "that is twice too much: cos² is 1 at its best. What is its mean?"),
        ("root", swing / np.sqrt(2), "that is the root of it. The mean squared error stays squared."),
        ("not_squared", swing, "that is the largest error. Square it, and take the mean over a period."),
        ("absolute", swing * 2 / np.pi, absolute), ("absolute", measured, absolute),
        ("half_angle", 2 * np.sin(omega) ** 2, "in the hint's identity the angle of the sine is half of ω."),
        ("factor_not_squared", swing**2 / 4, "the factor 2 in front of the sine is squared too."),
        ("degrees", 1 - np.cos(360 / np.array(PERIODS)), "NumPy's angles are in radians: a period is 2π, not 360."),
        ("few_values", short, "measured on 200 values, which are not whole periods. What does a formula say?"),
        ("small_angle", omega**2 / 2, "a fine approximation for many points a period, but 8 are few. Keep the sine."),
        ("no_memory", np.sin(omega) ** 2 / 2, "that is the bound for step 1 in section 3. Here the forecast is x_t."),
        ("straight_line", swing**4 / 2, "that is the straight line. Here the forecast is the last value itself."),
    ]
    judge("last_value_mse", got, swing**2 / 2, mistakes, rtol=2e-3)
    return "1 - cos(2π/P), which is 2 sin²(π/P): long periods change little from step to step."


@returns_report
def check_straight_line(forecast):
    """Check exercise 2: the straight-line forecasts of series[2:], (N,) -> (N - 2,)."""
    for length in (9, 3):
        series = np.random.default_rng(length).normal(size=length)
        value = attempt(forecast, series)
        before, now, future = series[:-2], series[1:-1], series[2:]
        mistakes = [
            ("last_value", now, "that is the last value. Where is the step that led to it?"),
            ("reads_the_future", future, "these are the values to be forecast: the step comes one too late."),
            ("step_only", now - before, "that is the last step. The forecast is where the series is after one more."),
            ("swapped", 2 * before - now, "that goes back in time: which of the two values is the newer one?"),
            ("sign", 2 * now + before, "look at the sign: the step is the newer value minus the older one."),
            ("reads_the_future", 2 * now - future, "the k-th forecast uses the very value that it should forecast."),
            ("reads_the_future", 2 * future - now, "the k-th forecast uses the very value that it should forecast."),
            ("late", 2 * now[:-1] - before[:-1], "the last forecast is missing: that of the series' last value."),
            ("one_too_many", 2 * series[1:] - series[:-1],
             "the last one is a forecast of a value after the end, which nobody can check. Leave it out."),
        ]
        judge("the forecast", value, 2 * now - before, mistakes)
    return "each forecast from the two values before it, for any length."


@returns_report
def check_windows(make_windows):
    """Check exercise 3: `make_windows(series, length) -> (X, target)`, both (length, B, 1)."""
    for n_points, length in ((9, 4), (6, 4), (4, 3), (3, 1)):
        series = np.random.default_rng(n_points).normal(size=n_points)
        try:
            pair = attempt(make_windows, series, length)
        except Verdict as verdict:
            past = f"{verdict.report.message} Does the last window leave a value to be its last target?"
            require(not isinstance(verdict.__cause__, IndexError), "past_the_end", past)
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
def check_hidden_sizes(errors, smallest):
    """Check exercise 5: {hidden size: free-running error} for 1 to 8, and the smallest size with an error below 0.1."""
    unfilled = is_unfilled(errors) or errors == {} or is_unfilled(smallest)
    require(not unfilled, "not_started", "errors or smallest is empty. Fill them in and run this cell again.")
    require_dict("errors", errors, range(1, LARGEST + 1), of="errors by hidden size")
    try:
        values = np.array([errors[H] for H in range(1, LARGEST + 1)], dtype=float)
    except (TypeError, ValueError):
        values = np.empty(())
    require(values.ndim == 1, "wrong_type", "errors: expected one number for each hidden size.")
    possible = np.isfinite(values).all() and (values >= 0).all()
    require(possible, "not_finite", "errors: expected finite mean squared errors, none below 0.")
    too_good = f"{values[0]:.4f} with one unit is too good for a free run. Is that the error with the truth as input?"
    require(values[0] >= LIMIT, "teacher_forced", too_good)
    good = [H for H, value in enumerate(values, start=1) if value < LIMIT]
    require(good, "unknown", f"none of your errors is below {LIMIT}. Did you train at the default settings?")
    mistakes = [
        (
            "not_smallest" if H in good else "still_fails", H,
            f"{H} units do keep the wave, but fewer do too." if H in good else
            f"by your own numbers the free-running error of {H} unit{'s' * (H > 1)} is not below {LIMIT}.",
        )
        for H in range(1, LARGEST + 1) if H != good[0]
    ]
    judge("smallest", smallest, good[0], mistakes)
    return f"{good[0]} units after these 200 epochs. What does one unit lack? See the solution."
