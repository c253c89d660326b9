"""Checks of the exercises in notebook 02."""

import numpy as np

from rnn_lib.exercises.forward_pass import call_each
from rnn_lib.exercises.verdict import (
    Verdict,
    attempt,
    is_unfilled,
    judge,
    names_in,
    require,
    require_dict,
    returns_report,
)

__all__ = ["check_shapes", "check_count_params", "check_time_major", "check_step_columns", "check_careful_mse"]

SIZES = {"T": 7, "B": 3, "I": 2, "H": 5, "O": 4}
AXES = {3: ("time", "batch", "size"), 2: ("out", "in"), 1: ("out",)}


@returns_report
def check_shapes(answer):
    """Check exercise 1: the shape of every array of an RNN with T=7, B=3, I=2, H=5, O=4, a dict of tuples."""
    T, B, I, H, O = SIZES.values()
    right = {
        "X": (T, B, I), "hidden_states": (T + 1, B, H), "Y": (T, B, O),
        "W_xh": (H, I), "W_hh": (H, H), "W_hy": (O, H), "b_h": (H,), "b_y": (O,),
    }
    batch_first = ("batch_first", "time comes first, then the batch.")
    in_out = ("weights_in_out", "a weight matrix is stored as (out, in): it has one row for each number it makes.")
    bias = ("bias_not_flat", "a bias has one axis only, and is added to every row of the batch.")
    known = {
        "X": {(B, T, I): batch_first},
        "hidden_states": {
            (T, B, H): ("initial_state_missing", "T states follow the T steps. Which one comes before them?"),
            (B, T + 1, H): batch_first, (B, T, H): batch_first,
        },
        "Y": {
            (B, T, O): batch_first,
            (T + 1, B, O): ("output_for_initial_state", "there is one output a step, and none for h_0."),
        },
        "W_xh": {(I, H): in_out}, "W_hh": {}, "W_hy": {(H, O): in_out},
        "b_h": {(H, 1): bias, (1, H): bias, (B, H): bias}, "b_y": {(O, 1): bias, (1, O): bias, (B, O): bias},
    }
    require_dict("answer", answer, right, of="shapes")
    started = not all(map(is_unfilled, answer.values()))
    require(started, "not_started", "every shape is empty. Fill them in and run this cell again.")
    verdicts, first = {}, None
    for name, shape in right.items():
        try:
            got = tuple(answer[name])
            fine = bool(got == shape)
            kind, advice = known[name].get(got, ("unknown", wrong_axes(got, shape)))
        except (TypeError, ValueError):
            fine, (kind, advice) = False, ("wrong_type", "expected a tuple such as (6, 4, 2).")
            if is_unfilled(answer[name]):
                kind, advice = "incomplete", "still empty."
            elif isinstance(answer[name], int) and len(shape) == 1:
                advice = f"a tuple of one number needs a comma: ({answer[name]},)."
        verdicts[name] = "right" if fine else advice
        first = first or (None if fine else (kind, f"{name}: {advice}"))
    if first is None:
        return "all eight. These shapes stay the same through the whole course."
    n_right = sum(verdict == "right" for verdict in verdicts.values())
    table = [("array", "verdict"), *verdicts.items()]
    raise Verdict(first[0], f"{n_right} of {len(right)} are right. The first to look at is {first[1]}", tuple(table))


def wrong_axes(got, shape):
    """Say what is wrong with a shape: the number of its axes, or which of them."""
    axes = AXES[len(shape)]
    wrong = [f"axis {i} ({axis})" for i, (axis, n, m) in enumerate(zip(axes, got, shape, strict=False)) if n != m]
    if len(got) == len(shape) and len(wrong) < len(axes):
        return f"look at {' and '.join(wrong)} again; the rest is right."
    return f"not that one. It has {('one axis', 'two axes', 'three axes')[len(axes) - 1]}: {', '.join(axes)}."


@returns_report
def check_count_params(count_params):
    """Check exercise 2: `count_params(input_size, hidden_size, output_size)`, the number of trainable numbers."""
    sizes = np.array([(2, 5, 4), (1, 16, 1), (3, 1, 2), (65, 100, 65)])
    I, H, O = sizes.T
    right = H * I + H * H + H + O * H + O
    got = call_each(count_params, ("I", "H", "O"), [tuple(map(int, row)) for row in sizes])
    known = getattr(count_params, "__globals__", {})
    made = [name for name in names_in(count_params) if isinstance(known.get(name), type)]
    require(not made, "model_made", f"{', '.join(made)} counts for you. Write the formula, without making a model.")
    mistakes = [
        ("biases_missing", right - H - O, "the weights are all there. What else is trained?"),
        ("b_h_missing", right - H, "one bias is missing: which layer has none?"),
        ("b_y_missing", right - O, "one bias is missing: which layer has none?"),
        ("two_hidden_biases", right + H, "b_h is counted twice. Each step has one hidden bias."),
        ("W_hh_missing", right - H * H, "one matrix is missing: the one that makes it recurrent."),
        ("output_missing", right - O * H - O, "the hidden layer is all there. How does y_t come out of h_t?"),
        ("W_hh_linear", right - H * H + H, "W_hh leads from every hidden unit to every hidden unit."),
        ("W_hh_linear", right - H * H + 2 * H, "W_hh leads from every hidden unit to every hidden unit: not 2 H."),
        ("W_hy_from_input", right - O * H + O * I, "W_hy reads the hidden units, not the inputs."),
        ("full_biases", right - H - O + H * H + O * O, "a bias is a vector: one number for each unit."),
        ("one_output", right - O + 1, "b_y has one number for each output, not one in all."),
        ("one_output", right - O * H - O + H + 1, "that is right for one output. W_hy has a row for each of them, and "
         "b_y a number."),
        ("b_y_of_hidden_size", right - O + H, "b_y has one number for each output, and not for each hidden unit."),
    ]
    judge("count_params", got, right, mistakes)
    return "H (I + H + 1) + O (H + 1), and T is nowhere in it."


@returns_report
def check_time_major(time_major):
    """Check exercise 3: `time_major(X)` turns (B, T, I) into (T, B, I)."""
    X = np.random.default_rng(0).normal(size=(3, 7, 2))
    got = attempt(time_major, X)
    mistakes = [
        ("reshaped", X.reshape(7, 3, 2), "the shape is right and the numbers are scrambled. `reshape` keeps the order "
         "in memory and only cuts it anew; here two axes change places."),
        ("unchanged", X, "the batch is still first."),
        ("all_axes_reversed", X.T, "all three axes are reversed. Only the first two change places."),
        ("wrong_axes", X.swapaxes(1, 2), "the wrong two axes changed places."),
        ("wrong_axes", X.swapaxes(0, 2), "the wrong two axes changed places."),
        ("flattened", X.reshape(21, 2), "three axes should come out. None is merged."),
    ]
    judge("time_major(X)", got, X.swapaxes(0, 1), mistakes)
    X = X[:1, :4]
    hints = {(IndexError, ValueError): "This call has B = 1 and T = 4: take the sizes from X.shape."}
    judge("time_major(X) for B=1, T=4", attempt(time_major, X, hints=hints), X.swapaxes(0, 1))
    return "what was X[b, t] is now result[t, b]."


@returns_report
def check_step_columns(step_columns):
    """Check exercise 4: `step_columns(params, x_t, h_prev)`, one step on columns: (I, B), (H, B) -> (H, B)."""
    for B in (5, 3):  # B = H first, where a wrong bias axis raises nothing
        rng = np.random.default_rng(B)
        W_xh, W_hh, b_h = rng.normal(size=(5, 2)), rng.normal(size=(5, 5)), rng.normal(size=5)
        x_t, h_prev = rng.normal(size=(2, B)), rng.uniform(-0.8, 0.8, (5, B))
        hint = "With columns the matrix stands on the left, as in the equation: (H, I) @ (I, B)."
        params = {"W_xh": W_xh, "W_hh": W_hh, "b_h": b_h}
        got = attempt(step_columns, params, x_t, h_prev, hints={ValueError: hint})
        products = W_xh @ x_t + W_hh @ h_prev
        right = np.tanh(products + b_h[:, None])
        across = b_h if B == 5 else b_h[:B]
        mistakes = [
            ("bias_wrong_axis", np.tanh(products + across), "with B = H = 5 nothing complains, but b_h was added along "
             "the batch: unit 0's bias went to sequence 0. Which shape must b_h have to go down a column?"),
            ("bias_missing", np.tanh(products), "b_h is never added."),
            ("bias_outside", np.tanh(products) + b_h[:, None],
             "b_h is added after tanh. Which bracket does it belong in?"),
            ("tanh_missing", products + b_h[:, None], "right up to the activation."),
            ("W_hh_transposed", np.tanh(W_xh @ x_t + W_hh.T @ h_prev + b_h[:, None]),
             "W_hh is transposed. For columns the code reads like the equation."),
            ("carry_missing", np.tanh(W_xh @ x_t + b_h[:, None]),
             "the new state depends on the input only. Where does the previous state come in?"),
            ("input_missing", np.tanh(W_hh @ h_prev + b_h[:, None]), "the input is missing. Where is W_xh x_t?"),
            ("rows", right.T, "that is the state as rows, (B, H). Columns are wanted: (H, B)."),
        ]
        judge("the new state", got, right, mistakes)
    return "the same numbers as with rows, lying on their side."


@returns_report
def check_careful_mse(careful_mse):
    """Check exercise 5: `careful_mse(Y, target)`, the mean squared error, ValueError for two different shapes."""
    rng = np.random.default_rng(0)
    Y, target = rng.normal(size=(2, 7, 3, 2))
    hints = {ValueError: "Here both shapes are (7, 3, 2), and a number is wanted."}
    loss = attempt(careful_mse, Y, target, hints=hints)
    squares = (Y - target) ** 2
    mistakes = [
        ("sum", squares.sum(), "that is the sum of the squares. The mean is wanted."),
        ("half", squares.mean() / 2, "that is half of it. Our loss has no factor 1/2."),
        ("half_sum", squares.sum() / 2, "that is half the sum of the squares. Their mean is wanted, without a 1/2."),
        ("mean_first", (Y - target).mean() ** 2, "that is the square of the mean. The mean of the squares is wanted."),
        ("root", np.sqrt(squares.mean()), "that is its square root."),
        ("absolute", np.abs(Y - target).mean(), "that is the mean of the distances, not of their squares."),
        ("not_averaged", squares, "those are the squares. Their mean is wanted, one number."),
        ("mean_over_time", squares.sum() / 7, "that is divided by T only. The mean is over all elements."),
        ("mean_over_batch", squares.sum() / 3, "that is divided by B only. The mean is over all elements."),
        ("mean_over_steps", squares.sum() / 21, "that is divided by T B only. The mean is over all elements."),
    ]
    judge("careful_mse", loss, squares.mean(), mistakes)

    def refuses(Y, target):
        try:
            result = careful_mse(Y, target)
        except ValueError:
            return "refused"
        except Exception as error:
            return type(error).__name__
        return "accepted" if np.isscalar(result) or isinstance(result, np.ndarray) else "returned"

    for shapes in (
        ((7, 1, 1), (7, 1)), ((7, 1), (7, 1, 1)), ((3, 3, 1), (3, 3)), ((7, 3, 2), (3, 2)), ((7, 3, 2), (7, 3, 1)),
    ):
        verdict = attempt(refuses, *(rng.normal(size=shape) for shape in shapes))
        require(
            verdict != "accepted", "broadcasts", f"Y of shape {shapes[0]} and target of shape {shapes[1]} give a "
            "number and no error: NumPy has broadcast them. Compare the shapes first, and `raise`: a message that is "
            "only printed lets the number through.",
        )
        returns = "for two different shapes the function must `raise` a ValueError, not return."
        require(verdict != "returned", "not_raised", returns)
        wrong = f"two different shapes raise {verdict}. Raise a ValueError that says why."
        require(verdict == "refused", "wrong_exception", wrong)
    return "two shapes that differ never become a number again."
