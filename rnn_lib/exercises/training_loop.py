"""Checks of the exercises in notebook 06 on training: the loop, and a step of Adam."""

import functools

import numpy as np

from rnn_lib import RNN
from rnn_lib.data import sine_wave, windows
from rnn_lib.exercises.sine_wave import fresh_model
from rnn_lib.exercises.verdict import (
    Verdict,
    as_numbers,
    attempt,
    call,
    is_right,
    judge,
    names_in,
    require,
    require_filled,
    returns_report,
    safe_describe,
)
from rnn_lib.losses import mse_loss
from rnn_lib.model import NoForwardYet
from rnn_lib.optim import SGD, Adam

__all__ = ["check_training_loop", "check_adam_step"]

EPOCHS, T, B = 5, 8, 3  # of exercise 2; all differ, so that a loop over another of them shows
BETA_1, BETA_2, EPS = 0.9, 0.999, 1e-8  # of Adam, as the notebook has them


@returns_report
def check_training_loop(train):
    """Check exercise 2: `train(model, X, target, optimizer, epochs)` trains, and returns the loss of each epoch."""
    require("fit" not in names_in(train), "uses_fit", "`fit` is the library's own loop. Write yours: forward, loss, "
            "backward, step.")
    for make in (lambda params: SGD(params, lr=0.3), lambda params: Adam(params, lr=0.03)):
        model, X, target, optimizer = training_problem(make)
        steps = count_steps(optimizer)
        before = flat(model.params)
        losses = call_training_loop(train, model, X, target, optimizer, steps)
        changed = not np.array_equal(flat(model.params), before)
        by_hand = "the parameters change, but not by optimizer.step. Use the optimiser that came as an argument."
        require(steps or not changed, "other_optimizer", by_hand)
        is_pair = isinstance(losses, list | tuple) and any(isinstance(item, tuple | list) for item in losses)
        require(not is_pair, "pairs", "an entry of your list is what mse_loss returns, the pair (loss, dY). Append the "
                "first of the two.")
        numbers = as_numbers(losses)
        require(numbers is not None, "wrong_type", f"expected the list of losses, got {safe_describe(losses)}.")
        for kind, shape, advice in lengths():
            require(numbers.shape != shape, kind, advice)
        one_each = f"expected one loss for each epoch, ({EPOCHS},), got shape {numbers.shape}."
        require(numbers.shape == (EPOCHS,), "wrong_shape", one_each)
        elsewhere = "the model that came as an argument is not trained: is it another one that learns?"
        require(steps or np.ptp(numbers) == 0, "other_model", elsewhere)
        right, *wrong = [(kind, run_loop(make, **how), advice) for kind, how, advice in loops()]
        try:
            judge("what training leaves", [*numbers, *flat(model.params)], right[1], wrong)
        except Verdict as verdict:
            often = f"optimizer.step was called {len(steps)} times in {EPOCHS} epochs. It is called once in each."
            require(verdict.report.kind != "unknown" or len(steps) == EPOCHS, "step_count", often)
            raise
    X, target = windows(sine_wave(150, 25), 50, stride=10)
    model = RNN(1, 8, 1)
    losses = call(train, model, X, target, Adam(model.params, lr=0.01), 150)
    return f"with your loop, 8 units learn a sine wave in 150 epochs: loss {losses[0]:.3f} → {losses[-1]:.3f}."


def training_problem(make_optimizer):
    """Return (model, X, target, optimizer): a small RNN and random sequences for it to learn."""
    model = fresh_model(0)
    X, target = np.random.default_rng(1).normal(size=(2, T, B, 1))
    return model, X, target, make_optimizer(model.params)


def count_steps(optimizer):
    """Return a list that grows with each `optimizer.step`."""
    steps, step = [], optimizer.step

    @functools.wraps(step)  # so that an exception speaks of SGD.step
    def counted(grads):
        step(grads)
        steps.append(True)

    optimizer.step = counted
    return steps


def call_training_loop(train, model, X, target, optimizer, steps):
    """Run the learner's loop; say more than `call` does where it stops or returns nothing."""
    try:
        return call(train, model, X, target, optimizer, EPOCHS)
    except Verdict as verdict:
        forgotten = verdict.report.kind in ("not_started", "not_returned") and steps
        require(not forgotten, "not_returned", "your loop trains, but returns nothing. Collect the loss of each epoch "
                "in a list and return it.")
        require(verdict.report.kind != "exception", "exception", verdict.report.message + hint_on(verdict.__cause__))
        raise


def hint_on(error):
    """What to say to whoever's loop stopped with this exception, or ""."""
    from_torch = any(slip in str(error) for slip in ("zero_grad", "attribute 'backward'", "step() missing"))
    if from_torch:
        return (" Gradients are not kept in this course, so there is nothing to zero: model.backward(dY) returns them, "
                "and optimizer.step(grads) takes them.")
    if isinstance(error, NoForwardYet):
        return " Before the first forward pass there is no state, nor need of one: model.forward(X) starts from zeros."
    if isinstance(error, UnboundLocalError):
        return " It is used before the line that makes it: forward, loss, backward, step, in this order."
    if isinstance(error, TypeError | ValueError | AttributeError):
        return " mse_loss returns two things, the loss and dY; backward wants dY and returns the gradients, for step."
    return ""


def flat(params):
    """All parameters in one row."""
    return np.concatenate([p.ravel() for p in params.values()])


def lengths():
    """What known mistakes leave in the shape of the losses."""
    return [
        ("last_loss_only", (), "that is one loss. Return the list with that of every epoch."),
        ("one_epoch", (1,), "the list holds one loss only. Does `return` stand inside the loop?"),
        ("one_too_many", (EPOCHS + 1,), "one loss too many: one for each epoch, measured before its step."),
        ("one_missing", (EPOCHS - 1,), "one loss is missing: `range(epochs)` counts them all."),
        ("over_time", (T,), "that is one loss for each time step. `forward` reads them all: loop over the epochs."),
        ("over_sequences", (B,), "that is one loss for each sequence. `forward` reads all: loop over the epochs."),
        ("empty", (0,), "the list is empty: append the loss of each epoch to it."),
    ]


def loops():
    """The right loop and the known wrong ones: (kind, how to run it, advice)."""
    uphill = "the loss rises: every step goes uphill. The output comes first, mse_loss(Y, target), and step subtracts."
    return [
        ("right", {}, ""),
        ("no_step", {"step": False}, "the parameters never change. Which call changes them?"),
        ("ascent", {"sign": -1}, uphill),
        ("accumulated", {"accumulate": True},
         "the gradients of all epochs are added up. Each step takes those of its own epoch."),
        ("forward_once", {"forward_once": True},
         "forward runs only once, before the loop. After a step the outputs are others: call it in every epoch."),
        ("gradients_once", {"gradients_once": True},
         "every step takes the gradients of the first epoch. The step has changed them: backward, in every epoch."),
        ("gradients_once", {"forward_once": True, "gradients_once": True},
         "forward, loss and backward run only once, before the loop. All four calls belong into it."),
        ("reads_the_target", {"reads_target": True}, "the network reads the target. Its input is X."),
        ("learns_the_input", {"learns_input": True}, "the outputs are compared with X: it learns to copy its input."),
        ("pair_swapped", {"reads_target": True, "learns_input": True},
         "X and target are swapped: the network reads X, and its outputs are compared with target."),
        ("state_carried", {"carry": True},
         "each epoch begins with the last state of the one before. The windows begin anew: pass no state."),
        ("loss_after_step", {"loss_after": True},
         "the parameters are right; the losses are those after each step. Keep the loss that gave the gradients."),
        ("last_step_missing", {"skip_last": True},
         "the last epoch makes no step, or the first one none: every epoch ends with one."),
    ]


def run_loop(
    make_optimizer, *, step=True, sign=1, accumulate=False, forward_once=False, gradients_once=False,
    reads_target=False, learns_input=False, carry=False, loss_after=False, skip_last=False,
):
    """Train as told and return the losses and the final parameters in one row."""
    model, X, target, optimizer = training_problem(make_optimizer)
    read, wanted = (target if reads_target else X), (X if learns_input else target)
    losses, Y, grads, total = [], None, None, {name: 0.0 for name in model.params}
    for epoch in range(EPOCHS):
        if Y is None or not forward_once:
            Y = model.forward(read, model.state if carry and epoch else None)
        loss, dY = mse_loss(Y, wanted)
        if grads is None or not gradients_once:
            grads = {name: sign * g for name, g in model.backward(dY).items()}
        total = {name: total[name] + g for name, g in grads.items()}
        losses.append(loss)
        if step and not (skip_last and epoch == EPOCHS - 1):
            optimizer.step(total if accumulate else grads)
        if loss_after:
            losses[-1] = mse_loss(model.forward(read), wanted)[0]
    return np.concatenate([losses, flat(model.params)])


@returns_report
def check_adam_step(adam_step):
    """Check exercise 3: `adam_step(p, g, m, v, t, lr) -> (p, m, v)`, the t-th step of Adam, t from 1."""
    lr = 0.01
    for t in (2, 1, 7):  # in step 1 several mistakes look alike
        p, g, m, v = adam_problem(t)
        value = attempt(adam_step, p, g, m, v, t, lr)
        is_three = isinstance(value, tuple | list) and len(value) == 3
        require(is_three, "wrong_type", f"expected the three arrays (p, m, v), got {safe_describe(value)}.")
        new_m, new_v = BETA_1 * m + (1 - BETA_1) * g, BETA_2 * v + (1 - BETA_2) * g**2
        rotated = is_right(value[0], new_m) and is_right(value[1], new_v)
        require(not rotated, "order", "you return (m, v, p): the order is (p, m, v).")
        judge("m", value[1], new_m, m_mistakes(g, m, new_m, t))
        judge("v", value[2], new_v, v_mistakes(g, v, new_v, t))
        require_filled("p", value[0])
        new_p = as_numbers(value[0])
        require(new_p is not None, "wrong_type", f"p: expected numbers, got {safe_describe(value[0])}.")
        require(new_p.shape == p.shape, "wrong_shape", f"p: expected shape {p.shape}, got {new_p.shape}.")
        # the step in units of lr: of p itself, a wrong step would be lost among its digits
        judge("p", (new_p - p) / lr, adam_update(new_m, new_v, t), p_mistakes(g, m, v, new_m, new_v, t))
    return "the means of g and g², corrected for their start at 0, and a step against their quotient."


def adam_problem(t):
    """Return (p, g, m, v) before step t; one gradient is as small as EPS, so that EPS shows."""
    rng = np.random.default_rng(t)
    p, g, old = rng.normal(size=(3, 2, 4))
    g[0, 0], old[0, 0] = 3e-8, 2e-8
    return (p, g, np.zeros_like(g), np.zeros_like(g)) if t == 1 else (p, g, 0.3 * old, 0.004 * old**2)


def adam_update(m, v, t, beta_1=BETA_1, beta_2=BETA_2, eps=EPS):
    """The change of p in units of lr."""
    return -m / (1 - beta_1**t) / (np.sqrt(v / (1 - beta_2**t)) + eps)


def m_mistakes(g, m, new_m, t):
    """What known mistakes leave in m."""
    return [
        ("weights_swapped", (1 - BETA_1) * m + BETA_1 * g, "the old mean keeps the weight 0.9; the new g gets 0.1."),
        ("not_a_mean", BETA_1 * m + g, "g comes in with the weight 1 - β₁ = 0.1, or m is no mean."),
        ("not_faded", m + (1 - BETA_1) * g, "the old mean is multiplied by β₁ before g is added."),
        ("betas_mixed", BETA_2 * m + (1 - BETA_2) * g, "that is β₂. The mean of g has β₁ = 0.9."),
        ("corrected_kept", new_m / (1 - BETA_1**t), "keep m itself for the next step; this step uses m / (1 - β₁ᵗ)."),
    ]


def v_mistakes(g, v, new_v, t):
    """What known mistakes leave in v."""
    return [
        ("not_squared", BETA_2 * v + (1 - BETA_2) * g, "v is the mean of g². Square the gradient."),
        ("weights_swapped", (1 - BETA_2) * v + BETA_2 * g**2, "the old mean keeps the weight 0.999; g² gets 0.001."),
        ("not_a_mean", BETA_2 * v + g**2, "g² comes in with the weight 1 - β₂ = 0.001, or v is no mean."),
        ("betas_mixed", BETA_1 * v + (1 - BETA_1) * g**2, "that is β₁. The mean of g² has β₂ = 0.999."),
        ("weight_squared", BETA_2 * v + ((1 - BETA_2) * g) ** 2, "only g is squared, not its weight 1 - β₂."),
        ("corrected_kept", new_v / (1 - BETA_2**t), "keep v itself for the next step; this step uses v / (1 - β₂ᵗ)."),
    ]


def p_mistakes(g, m, v, new_m, new_v, t):
    """What known mistakes leave in the change of p, in units of lr."""
    m_hat, v_hat = new_m / (1 - BETA_1**t), new_v / (1 - BETA_2**t)
    right = adam_update(new_m, new_v, t)
    mistakes = [
        ("no_correction", -new_m / (np.sqrt(new_v) + EPS), "the corrections are missing: both means started at 0."),
        ("no_correction", -new_m / np.sqrt(new_v), "both corrections are missing, and so is ε."),
        ("half_corrected", -m_hat / (np.sqrt(new_v) + EPS), "v is not corrected: divide it by 1 - β₂ᵗ."),
        ("half_corrected", -new_m / (np.sqrt(v_hat) + EPS), "m is not corrected: divide it by 1 - β₁ᵗ."),
        ("root_missing", -m_hat / (v_hat + EPS), "divide by the square root of v: it has the units of g."),
        ("ascent", -right, "the sign: the step goes against the gradient."),
        ("eps_inside", -m_hat / np.sqrt(v_hat + EPS), "ε is added after the root has been taken."),
        ("eps_missing", -m_hat / np.sqrt(v_hat), "ε is missing: where g was always 0 you divide 0 by 0."),
        ("precedence", -m_hat / np.sqrt(v_hat) + EPS / 0.01, "ε is added to p: put brackets round √v̂ + ε."),
        ("plain_descent", -g, "that is gradient descent. Where do m and v come in?"),
        ("no_mean", -g / (np.sqrt(v_hat) + EPS), "the step takes m, the mean of the gradients, instead of g alone."),
        ("lr_squared", right * 0.01, "lr multiplies the step once."),
        ("lr_missing", right / 0.01, "the step is multiplied by lr."),
    ]
    if t > 1:
        old = adam_update(m, v, t)
        early = adam_update(new_m, new_v, t - 1)
        later = adam_update(new_m, new_v, t + 1)
        times = -new_m / (1 - BETA_1 * t) / (np.sqrt(np.abs(new_v / (1 - BETA_2 * t))) + EPS)
        mistakes += [
            ("old_means", old, "the step takes the means from before this gradient. Update them first."),
            ("count", early, "t counts from 1: the corrections of this step are 1 - βᵗ."),
            ("count", later, "t is already the number of this step: the corrections are 1 - βᵗ."),
            ("not_a_power", times, "βᵗ is a power: beta**t."),
            ("precedence", -new_m / (1 - BETA_1) ** t / (np.sqrt(new_v / (1 - BETA_2) ** t) + EPS),
             "1 - βᵗ is not (1 - β)ᵗ: first the power, then the difference."),
            ("not_a_power", -new_m / (1 - BETA_1 * t) / (np.sqrt(v_hat) + EPS), "β₁ᵗ is a power: beta_1**t."),
        ]
    return mistakes
