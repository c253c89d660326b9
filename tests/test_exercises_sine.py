"""The checks of notebook 06: right answers in several styles pass, each known mistake has its name."""

import numpy as np
import pytest

from rnn_lib import RNN, exercises
from rnn_lib.losses import mse_loss
from rnn_lib.optim import Adam
from rnn_lib.training import fit

CHECKS = [
    exercises.check_windows, exercises.check_training_loop, exercises.check_adam_step, exercises.check_free_run,
    exercises.check_split,
]


def raises(*args):
    raise RuntimeError("my bug")


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (lambda *args: None, "not_started"), (lambda *args: ..., "not_started"), (raises, "exception"),
        (3, "wrong_type"), (None, "not_started"), (lambda *args: "text", "wrong_type"),
        (lambda *args: {"a": 1}, "wrong_type"), (lambda: 1, "exception"),
    ],
)
def test_anything_gets_a_verdict(check, answer, kind):
    report = check(answer)
    assert report.kind == kind and not report.passed


# ------------------------------------------------------------------------------------------- exercise 1


def windows_loop(series, length, count=0, ahead=1):
    """X and target by loops. `count` changes the number of windows, `ahead` says how far ahead the target is."""
    columns = range(len(series) - length + count)
    X = [[[series[b + t]] for b in columns] for t in range(length)]
    target = [[[series[(b + t + ahead) % len(series)]] for b in columns] for t in range(length)]
    return X, target


def windows_view(series, length):
    view = np.lib.stride_tricks.sliding_window_view(series, length).T[..., None]
    return view[:, :-1], view[:, 1:]


@pytest.mark.parametrize("answer", [windows_loop, windows_view, lambda s, n: [np.array(a) for a in windows_loop(s, n)]])
def test_windows_right(answer):
    assert exercises.check_windows(answer).passed


def changed(x=lambda X: X, y=lambda target: target):
    def answer(series, length):
        X, target = map(np.array, windows_loop(series, length))
        return x(X), y(target)
    return answer


def one_window_too_many(series, length):
    return np.lib.stride_tricks.sliding_window_view(series, length).T[..., None], windows_loop(series, length)[1]


def past_the_end(series, length):
    index = np.arange(length)[:, None] + np.arange(len(series) - length + 1)
    return series[index][..., None], series[index + 1][..., None]


def slices_past_the_end(series, length):
    starts = range(len(series) - length + 1)
    return [np.array([series[b + ahead : b + length + ahead] for b in starts]).T[..., None] for ahead in (0, 1)]


def stacked_past_the_end(series, length):
    starts = range(len(series) - length + 1)
    return [np.stack([series[b + ahead : b + length + ahead] for b in starts], axis=1)[..., None] for ahead in (0, 1)]


@pytest.mark.parametrize(("answer", "kind"), [
    (past_the_end, "past_the_end"),
    (slices_past_the_end, "past_the_end"),
    (stacked_past_the_end, "past_the_end"),
    (changed(x=lambda X: X + np.zeros((99, 99, 99))), "exception"),
    (lambda s, n: windows_loop(s, n)[::-1], "pair_swapped"),
    (changed(x=lambda X: X.transpose(1, 0, 2).reshape(X.shape)), "reshaped"),
    (one_window_too_many, "one_too_many"),
    (lambda s, n: windows_loop(s, n, count=-1), "last_window_missing"),
    (lambda s, n: windows_loop(s, n, ahead=0), "target_is_input"),
    (lambda s, n: windows_loop(s, n, ahead=2), "two_ahead"),
    (lambda s, n: windows_loop(s, n, ahead=-1), "one_back"),
    (changed(x=lambda X: X.transpose(1, 0, 2), y=lambda target: target.transpose(1, 0, 2)), "batch_first"),
    (changed(y=lambda target: target.transpose(1, 0, 2)), "batch_first"),
    (changed(x=lambda X: X[..., 0]), "feature_missing"),
    (changed(x=lambda X: X[..., 0].T), "feature_missing"),
    (changed(y=lambda target: target[..., 0]), "feature_missing"),
    (changed(y=lambda target: target[-1]), "last_step_only"),
    (changed(y=lambda target: target[-1, :, 0]), "last_step_only"),
    (changed(y=lambda target: target[-1:]), "last_step_only"),
    (changed(x=lambda X: -X), "unknown"),
    (lambda s, n: windows_loop(s, n)[0], "wrong_type"),
    (lambda s, n: (None, None), "not_started"),
])
def test_windows_wrong(answer, kind):
    assert exercises.check_windows(answer).kind == kind


# ------------------------------------------------------------------------------------------- exercise 2


def loop(model, X, target, optimizer, epochs):
    losses = []
    for _ in range(epochs):
        Y = model.forward(X)
        loss, dY = mse_loss(Y, target)
        grads = model.backward(dY)
        optimizer.step(grads)
        losses.append(loss)
    return losses


def loop_written_out(model, X, target, optimizer, epochs):
    losses = np.zeros(epochs)
    for epoch in range(epochs):
        error = model.forward(X) - target
        losses[epoch] = np.mean(error**2)
        optimizer.step(model.backward(2 * error / error.size))
    return losses


def loop_gradients_first(model, X, target, optimizer, epochs):
    losses, grads = [], None
    while len(losses) < epochs:
        loss, dY = mse_loss(model.forward(X), target)
        losses.append(float(loss))
        grads = model.backward(dY)
        optimizer.step({name: g.copy() for name, g in grads.items()})
    return tuple(losses)


@pytest.mark.parametrize("answer", [loop, loop_written_out, loop_gradients_first])
def test_training_loop_right(answer):
    report = exercises.check_training_loop(answer)
    assert report.passed, report
    assert "0." in report.message


def no_step(model, X, target, optimizer, epochs):
    losses = []
    for _ in range(epochs):
        loss, dY = mse_loss(model.forward(X), target)
        model.backward(dY)
        losses.append(loss)
    return losses


def ascent(model, X, target, optimizer, epochs):
    losses = []
    for _ in range(epochs):
        loss, dY = mse_loss(target, model.forward(X))
        optimizer.step(model.backward(dY))
        losses.append(loss)
    return losses


def accumulated(model, X, target, optimizer, epochs):
    losses, total = [], {}
    for _ in range(epochs):
        loss, dY = mse_loss(model.forward(X), target)
        for name, g in model.backward(dY).items():
            total[name] = total.get(name, 0) + g
        optimizer.step(total)
        losses.append(loss)
    return losses


def forward_once(model, X, target, optimizer, epochs):
    losses, Y = [], model.forward(X)
    for _ in range(epochs):
        loss, dY = mse_loss(Y, target)
        optimizer.step(model.backward(dY))
        losses.append(loss)
    return losses


def gradients_once(model, X, target, optimizer, epochs):
    losses, grads = [], model.backward(mse_loss(model.forward(X), target)[1])
    for _ in range(epochs):
        losses.append(mse_loss(model.forward(X), target)[0])
        optimizer.step(grads)
    return losses


def forward_and_loss_once(model, X, target, optimizer, epochs):
    loss, dY = mse_loss(model.forward(X), target)
    for _ in range(epochs):
        optimizer.step(model.backward(dY))
    return [loss] * epochs


def state_carried(model, X, target, optimizer, epochs):
    losses, state = [], None
    for _ in range(epochs):
        loss, dY = mse_loss(model.forward(X, state), target)
        optimizer.step(model.backward(dY))
        state = model.state
        losses.append(loss)
    return losses


def stale_gradients(model, X, target, optimizer, epochs):
    losses, grads = [], model.backward(mse_loss(model.forward(X), target)[1])
    for _ in range(epochs):
        optimizer.step(grads)
        loss, dY = mse_loss(model.forward(X), target)
        grads = model.backward(dY)
        losses.append(loss)
    return losses


def first_step_missing(model, X, target, optimizer, epochs):
    losses = []
    for epoch in range(epochs):
        loss, dY = mse_loss(model.forward(X), target)
        if epoch + 1 < epochs:
            optimizer.step(model.backward(dY))
        losses.append(loss)
    return losses


def own_descent(model, X, target, optimizer, epochs):
    losses = []
    for _ in range(epochs):
        loss, dY = mse_loss(model.forward(X), target)
        for name, g in model.backward(dY).items():
            model.params[name] -= 0.1 * g
        losses.append(loss)
    return losses


def two_steps(model, X, target, optimizer, epochs):
    losses = []
    for _ in range(epochs):
        loss, dY = mse_loss(model.forward(X), target)
        grads = model.backward(dY)
        optimizer.step(grads)
        optimizer.step(grads)
        losses.append(loss)
    return losses


def return_inside(model, X, target, optimizer, epochs):
    for _ in range(epochs):
        loss, dY = mse_loss(model.forward(X), target)
        optimizer.step(model.backward(dY))
        return [loss]


def returns_nothing(model, X, target, optimizer, epochs):
    loop(model, X, target, optimizer, epochs)


def step_before_backward(model, X, target, optimizer, epochs):
    for _ in range(epochs):
        loss, dY = mse_loss(model.forward(X), target)
        optimizer.step(grads)  # noqa: F821
        grads = model.backward(dY)  # noqa: F841
    return [loss] * epochs


def pair_not_unpacked(model, X, target, optimizer, epochs):
    for _ in range(epochs):
        loss = mse_loss(model.forward(X), target)
        optimizer.step(model.backward(loss))


def pairs_appended(model, X, target, optimizer, epochs):
    losses = []
    for _ in range(epochs):
        loss = mse_loss(model.forward(X), target)
        optimizer.step(model.backward(loss[1]))
        losses.append(loss)
    return losses


def zero_grad(model, X, target, optimizer, epochs):
    optimizer.zero_grad()


def loss_backward(model, X, target, optimizer, epochs):
    loss, dY = mse_loss(model.forward(X), target)
    loss.backward()


def step_without_gradients(model, X, target, optimizer, epochs):
    model.backward(mse_loss(model.forward(X), target)[1])
    optimizer.step()


def all_once(model, X, target, optimizer, epochs):
    loss, dY = mse_loss(model.forward(X), target)
    grads = model.backward(dY)
    for _ in range(epochs):
        optimizer.step(grads)
    return [loss] * epochs


def state_too_early(model, X, target, optimizer, epochs):
    model.forward(X, model.state)


def own_model(model, X, target, optimizer, epochs):
    model = RNN(1, 5, 1)
    return loop(model, X, target, Adam(model.params, lr=0.01), epochs)


def over_time(model, X, target, optimizer, epochs):
    losses = []
    for x, wanted in zip(X, target, strict=True):
        losses += loop(model, x[None], wanted[None], optimizer, 1)
    return losses


def over_sequences(model, X, target, optimizer, epochs):
    losses = []
    for b in range(X.shape[1]):
        losses += loop(model, X[:, b : b + 1], target[:, b : b + 1], optimizer, 1)
    return losses


def only_halfway(model, X, target, optimizer, epochs):
    losses = loop(model, X, target, optimizer, epochs)
    model.params["b_y"] += 1
    return losses


@pytest.mark.parametrize(("answer", "kind"), [
    (no_step, "no_step"), (ascent, "ascent"), (accumulated, "accumulated"), (forward_once, "forward_once"),
    (gradients_once, "gradients_once"), (all_once, "gradients_once"),
    (forward_and_loss_once, "forward_once"), (state_carried, "state_carried"),
    (stale_gradients, "loss_after_step"), (first_step_missing, "last_step_missing"), (own_descent, "other_optimizer"),
    (two_steps, "step_count"), (return_inside, "one_epoch"), (returns_nothing, "not_returned"),
    (own_model, "other_model"), (over_time, "over_time"), (over_sequences, "over_sequences"),
    (step_before_backward, "exception"), (pair_not_unpacked, "exception"),
    (pairs_appended, "pairs"), (only_halfway, "unknown"),
    (lambda m, X, y, opt, n: loop(m, y, y, opt, n), "reads_the_target"),
    (lambda m, X, y, opt, n: loop(m, X, X, opt, n), "learns_the_input"),
    (lambda m, X, y, opt, n: loop(m, y, X, opt, n), "pair_swapped"),
    (lambda m, X, y, opt, n: loop(m, X, y, opt, n)[-1], "last_loss_only"),
    (lambda m, X, y, opt, n: loop(m, X, y, opt, n + 1), "one_too_many"),
    (lambda m, X, y, opt, n: loop(m, X, y, opt, n - 1), "one_missing"),
    (lambda m, X, y, opt, n: [], "empty"),
    (lambda m, X, y, opt, n: loop(m, X, y, opt, 2 * n), "wrong_shape"),
    (lambda m, X, y, opt, n: fit(m, X, y, opt, epochs=n).loss, "uses_fit"),
    (lambda m, X, y, opt, n: [loss * np.nan for loss in loop(m, X, y, opt, n)], "not_finite"),
])
def test_training_loop_wrong(answer, kind):
    assert exercises.check_training_loop(answer).kind == kind


def test_a_state_before_the_first_forward_pass_hears_that_none_is_needed():
    assert "starts from zeros" in exercises.check_training_loop(state_too_early).message


def test_the_two_exceptions_say_what_to_do():
    assert "in this order" in exercises.check_training_loop(step_before_backward).message
    assert "returns two things" in exercises.check_training_loop(pair_not_unpacked).message


@pytest.mark.parametrize("answer", [zero_grad, loss_backward, step_without_gradients])
def test_a_loop_as_in_torch_hears_where_the_gradients_are(answer):
    message = exercises.check_training_loop(answer).message
    assert message.endswith(" Gradients are not kept in this course, so there is nothing to zero: model.backward(dY) "
                            "returns them, and optimizer.step(grads) takes them.")
    assert "two things" not in message and "<locals>" not in message


# ------------------------------------------------------------------------------------------- exercise 3


def adam(p, g, m, v, t, lr, b1=0.9, b2=0.999, eps=1e-8):
    m = b1 * m + (1 - b1) * g
    v = b2 * v + (1 - b2) * g * g
    return p - lr * m / (1 - b1**t) / (np.sqrt(v / (1 - b2**t)) + eps), m, v


def adam_in_place(p, g, m, v, t, lr):
    m += 0.1 * (g - m)
    v *= 0.999
    v += 0.001 * g**2
    p -= lr / (1 - 0.9**t) * m / (np.sqrt(v) / np.sqrt(1 - 0.999**t) + 1e-8)
    return p, m, v


def adam_of_the_library(p, g, m, v, t, lr):
    optimizer = Adam({"p": p}, lr=lr)
    optimizer.t, optimizer.m, optimizer.v = t - 1, {"p": m}, {"p": v}
    optimizer.step({"p": g})
    return [p, optimizer.m["p"], optimizer.v["p"]]


@pytest.mark.parametrize("answer", [adam, adam_in_place, adam_of_the_library])
def test_adam_step_right(answer):
    assert exercises.check_adam_step(answer).passed


def adam_with(new_m=None, new_v=None, step=None):
    """Adam, with one of its lines replaced."""
    def answer(p, g, m, v, t, lr):
        _, m_right, v_right = adam(p, g, m, v, t, lr)
        m_new = new_m(m, g, t) if new_m else m_right
        v_new = new_v(v, g, t) if new_v else v_right
        made = step(p, g, m, v, m_right, v_right, t, lr) if step else adam(p, g, m, v, t, lr)[0]
        return made, m_new, v_new
    return answer


def hat(m, v, t):
    return m / (1 - 0.9**t), v / (1 - 0.999**t)


def corrected(change):
    """A step made from the corrected means: p + lr * change(m_hat, v_hat)."""
    return adam_with(step=lambda p, g, m0, v0, m, v, t, lr: p + lr * change(*hat(m, v, t)))


def at_time(when):
    """A step corrected for another time."""
    def step(p, g, m0, v0, m, v, t, lr):
        t = when(t)
        return p - lr * m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8) if t else adam(p, g, m0, v0, 1, lr)[0]
    return adam_with(step=step)


@pytest.mark.parametrize(("answer", "kind"), [
    (adam_with(new_m=lambda m, g, t: 0.1 * m + 0.9 * g), "weights_swapped"),
    (adam_with(new_m=lambda m, g, t: 0.9 * m + g), "not_a_mean"),
    (adam_with(new_m=lambda m, g, t: m + 0.1 * g), "not_faded"),
    (adam_with(new_m=lambda m, g, t: 0.999 * m + 0.001 * g), "betas_mixed"),
    (adam_with(new_m=lambda m, g, t: (0.9 * m + 0.1 * g) / (1 - 0.9**t)), "corrected_kept"),
    (adam_with(new_v=lambda v, g, t: 0.999 * v + 0.001 * g), "not_squared"),
    (adam_with(new_v=lambda v, g, t: 0.001 * v + 0.999 * g**2), "weights_swapped"),
    (adam_with(new_v=lambda v, g, t: 0.999 * v + g**2), "not_a_mean"),
    (adam_with(new_v=lambda v, g, t: 0.9 * v + 0.1 * g**2), "betas_mixed"),
    (adam_with(new_v=lambda v, g, t: 0.999 * v + (0.001 * g) ** 2), "weight_squared"),
    (adam_with(new_v=lambda v, g, t: (0.999 * v + 0.001 * g**2) / (1 - 0.999**t)), "corrected_kept"),
    (adam_with(step=lambda p, g, m0, v0, m, v, t, lr: p - lr * m / (np.sqrt(v) + 1e-8)), "no_correction"),
    (adam_with(step=lambda p, g, m0, v0, m, v, t, lr: p - lr * m / np.sqrt(v)), "no_correction"),
    (adam_with(step=lambda p, g, m0, v0, m, v, t, lr: p - lr * hat(m, v, t)[0] / (np.sqrt(v) + 1e-8)),
     "half_corrected"),
    (adam_with(step=lambda p, g, m0, v0, m, v, t, lr: p - lr * m / (np.sqrt(hat(m, v, t)[1]) + 1e-8)),
     "half_corrected"),
    (corrected(lambda m, v: -m / (v + 1e-8)), "root_missing"),
    (corrected(lambda m, v: m / (np.sqrt(v) + 1e-8)), "ascent"),
    (corrected(lambda m, v: -m / np.sqrt(v + 1e-8)), "eps_inside"),
    (corrected(lambda m, v: -m / np.sqrt(v)), "eps_missing"),
    (adam_with(step=lambda p, g, m0, v0, m, v, t, lr:
               p - lr * hat(m, v, t)[0] / np.sqrt(hat(m, v, t)[1]) + 1e-8), "precedence"),
    (adam_with(step=lambda p, g, m0, v0, m, v, t, lr:
               p - lr * m / (1 - 0.9) ** t / (np.sqrt(v / (1 - 0.999) ** t) + 1e-8)), "precedence"),
    (adam_with(step=lambda p, g, m0, v0, m, v, t, lr: p - lr * g), "plain_descent"),
    (adam_with(step=lambda p, g, m0, v0, m, v, t, lr: p - lr * g / (np.sqrt(hat(m, v, t)[1]) + 1e-8)), "no_mean"),
    (adam_with(step=lambda p, g, m0, v0, m, v, t, lr: p + lr * (adam(p, g, m0, v0, t, lr)[0] - p)), "lr_squared"),
    (adam_with(step=lambda p, g, m0, v0, m, v, t, lr: p + (adam(p, g, m0, v0, t, lr)[0] - p) / lr), "lr_missing"),
    (adam_with(step=lambda p, g, m0, v0, m, v, t, lr:
               p - lr * hat(m0, v0, t)[0] / (np.sqrt(hat(m0, v0, t)[1]) + 1e-8) if t > 1
               else adam(p, g, m0, v0, t, lr)[0]), "old_means"),
    (at_time(lambda t: t - 1), "count"),
    (at_time(lambda t: t + 1 if t > 1 else t), "count"),
    (adam_with(step=lambda p, g, m0, v0, m, v, t, lr: p - lr * m / (1 - 0.9 * t)
               / (np.sqrt(np.abs(v / (1 - 0.999 * t))) + 1e-8)), "not_a_power"),
    (adam_with(step=lambda p, g, m0, v0, m, v, t, lr: p - lr * m / (1 - 0.9 * t)
               / (np.sqrt(hat(m, v, t)[1]) + 1e-8)), "not_a_power"),
    (lambda p, g, m, v, t, lr: np.roll(adam(p, g, m, v, t, lr), -1, axis=0).tolist(), "order"),
    (lambda p, g, m, v, t, lr: adam(p, g, m, v, t, lr)[0], "wrong_type"),
    (lambda p, g, m, v, t, lr: (adam(p, g, m, v, t, lr)[0].ravel(), *adam(p, g, m, v, t, lr)[1:]), "wrong_shape"),
    (lambda p, g, m, v, t, lr: (None, *adam(p, g, m, v, t, lr)[1:]), "not_started"),
    (lambda p, g, m, v, t, lr: ("p", *adam(p, g, m, v, t, lr)[1:]), "wrong_type"),
    (adam_with(step=lambda p, g, m0, v0, m, v, t, lr: 2 * p), "unknown"),
])
def test_adam_step_wrong(answer, kind):
    assert exercises.check_adam_step(answer).kind == kind


# ------------------------------------------------------------------------------------------- exercise 4


def run_by_hand(model, series, warm_up):
    """The equations, without model.forward."""
    p = model.params
    h, y, made = np.zeros((series.shape[1], model.hidden_size)), None, []
    for t in range(len(series)):
        x = series[t] if t < warm_up else y
        if t >= warm_up:
            made.append(y)
        h = np.tanh(x @ p["W_xh"].T + h @ p["W_hh"].T + p["b_h"])
        y = h @ p["W_hy"].T + p["b_y"]
    return np.array(made)


def run_again_from_the_start(model, series, warm_up):
    """No state at all: each step reads everything so far once more."""
    read = series[:warm_up]
    for _ in range(len(series) - warm_up):
        read = np.concatenate([read, model.forward(read)[-1:]])
    return read[warm_up:]


def run_with_state(model, series, warm_up, state=lambda model: model.state, feed=lambda y, series, t: y):
    y, made = model.forward(series[:warm_up])[-1:], []
    for t in range(warm_up, len(series)):
        made.append(y)
        y = model.forward(feed(y, series, t), state(model))
    return np.concatenate(made)


@pytest.mark.parametrize("answer", [run_by_hand, run_again_from_the_start, run_with_state])
def test_free_run_right(answer):
    assert exercises.check_free_run(answer).passed


def warm_up_forgotten(model, series, warm_up):
    y = model.forward(series[:warm_up])[-1:]
    made, state = [], None
    for _ in range(len(series) - warm_up):
        made.append(y)
        y = model.forward(y, state)
        state = model.state
    return np.concatenate(made)


def last_value_twice(model, series, warm_up, state=None):
    if state is None:
        model.forward(series[:warm_up])
        state = model.state
    x, made = series[warm_up - 1 : warm_up], []
    for _ in range(len(series) - warm_up):
        x = model.forward(x, state)
        state = model.state
        made.append(x)
    return np.concatenate(made)


def state_frozen(model, series, warm_up):
    y = model.forward(series[:warm_up])[-1:]
    state, made = model.state, []
    for _ in range(len(series) - warm_up):
        made.append(y)
        y = model.forward(y, state)
    return np.concatenate(made)


def starts_late(model, series, warm_up):
    y, made = model.forward(series[:warm_up])[-1:], []
    for _ in range(len(series) - warm_up):
        y = model.forward(y, model.state)
        made.append(y)
    return np.concatenate(made)


def a_little_of_the_future(model, series, warm_up):
    return run_with_state(model, series, warm_up) + 0.1 * series[warm_up:]


@pytest.mark.parametrize(("answer", "kind"), [
    (lambda m, s, w: run_with_state(m, s, w, feed=lambda y, series, t: series[t : t + 1]), "teacher_forced"),
    (lambda m, s, w: run_with_state(m, s, w, state=lambda model: None), "state_reset"),
    (warm_up_forgotten, "warm_up_forgotten"),
    (last_value_twice, "last_value_twice"),
    (state_frozen, "state_frozen"),
    (starts_late, "starts_late"),
    (lambda m, s, w: run_with_state(m, s, w, feed=lambda y, series, t: series[w - 1 : w]), "input_frozen"),
    (lambda m, s, w: run_by_hand(m, np.concatenate([s, s[-1:]]), w), "one_too_many"),
    (lambda m, s, w: run_by_hand(m, s, w)[:-1], "one_missing"),
    (lambda m, s, w: np.concatenate([m.forward(s[:w])[:-1], run_by_hand(m, s, w)]), "warm_up_included"),
    (lambda m, s, w: np.concatenate([s[:w], run_by_hand(m, s, w)]), "warm_up_included"),
    (lambda m, s, w: last_value_twice(m, s, w, state=np.zeros((s.shape[1], 3))), "no_warm_up"),
    (a_little_of_the_future, "reads_the_future"),
    (lambda m, s, w: run_by_hand(m, s, w) * 2, "unknown"),
    (lambda m, s, w: run_by_hand(m, s, w)[..., 0], "wrong_shape"),
    (lambda m, s, w: run_by_hand(m, s, w) * np.nan, "not_finite"),
])
def test_free_run_wrong(answer, kind):
    assert exercises.check_free_run(answer).kind == kind


# ------------------------------------------------------------------------------------------- exercise 5


def split(series, n_train, mean=lambda series, train: train.mean(), std=lambda series, train: train.std()):
    train, test = series[:n_train], series[n_train:]
    mean, std = mean(series, train), std(series, train)
    return (train - mean) / std, (test - mean) / std


def split_at_once(series, n_train):
    z = (series - np.mean(series[:n_train])) / np.sqrt(np.var(series[:n_train]))
    return [z[:n_train].tolist(), z[n_train:].tolist()]


@pytest.mark.parametrize("answer", [split, split_at_once])
def test_split_right(answer):
    assert exercises.check_split(answer).passed


def own_numbers(series, n_train):
    train, test = series[:n_train], series[n_train:]
    return (train - train.mean()) / train.std(), (test - test.mean()) / test.std()


def shuffled(series, n_train):
    return split(np.random.default_rng().permutation(series), n_train)


def shuffled_alike(series, n_train):
    return split(np.random.default_rng(0).permutation(series), n_train)


def min_max(series, n_train):
    train = series[:n_train]
    return [(part - train.min()) / (train.max() - train.min()) for part in plain(series, n_train)]


def with_test(change):
    """Right but for z_test, which is `change(series, n_train)`."""
    return lambda series, n_train: (split(series, n_train)[0], change(series, n_train))


def plain(series, n_train):
    return series[:n_train], series[n_train:]


@pytest.mark.parametrize(("answer", "kind"), [
    (lambda s, n: split(s, n, lambda s, train: s.mean(), lambda s, train: s.std()), "leak"),
    (lambda s, n: split(s, n, std=lambda s, train: s.std()), "half_leak"),
    (lambda s, n: split(s, n, mean=lambda s, train: s.mean()), "half_leak"),
    (own_numbers, "own_numbers"), (shuffled, "shuffled"), (shuffled_alike, "shuffled"), (min_max, "min_max"),
    (plain, "not_standardised"),
    (lambda s, n: split(s, n, std=lambda s, train: 1), "not_divided"),
    (lambda s, n: split(s, n, mean=lambda s, train: 0), "not_centred"),
    (lambda s, n: tuple(part - s[:n].mean() / s[:n].std() for part in plain(s, n)), "precedence"),
    (lambda s, n: split(s, n, std=lambda s, train: train.var()), "variance"),
    (lambda s, n: split(s, n, std=lambda s, train: train.std(ddof=1)), "sample_deviation"),
    (lambda s, n: split(s, n)[::-1], "pair_swapped"),
    (with_test(lambda s, n: split(s, n)[1][1:]), "one_missing"),
    (with_test(lambda s, n: (s[n - 1 :] - s[:n].mean()) / s[:n].std()), "overlap"),
    (with_test(lambda s, n: s[n:]), "not_standardised"),
    (with_test(lambda s, n: s[n:] - s[:n].mean()), "not_divided"),
    (with_test(lambda s, n: s[n:] / s[:n].std()), "not_centred"),
    (with_test(lambda s, n: (s[n:] - s.mean()) / s.std()), "leak"),
    (lambda s, n: split(s, n)[0], "wrong_type"), (lambda s, n: (None, None), "not_started"),
    (lambda s, n: split(-s, n), "unknown"), (lambda s, n: (split(s, n)[0][:-1], split(s, n)[1]), "wrong_shape"),
])
def test_split_wrong(answer, kind):
    assert exercises.check_split(answer).kind == kind
