"""Checks of the exercises in notebook 02."""

import numpy as np

from rnn_lib.exercises.forward_pass import call_each
from rnn_lib.exercises.report import Report, attempt, judge, never_raises
from rnn_lib.validation import describe

SIZES = {"T": 7, "B": 3, "I": 2, "H": 5, "O": 4}


@never_raises
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
    if answer is None or answer is Ellipsis:
        return Report("not_started", "answer is empty. Fill it in and run this cell again.")
    if not isinstance(answer, dict):
        return Report("wrong_type", f"answer: expected a dict of shapes, got {describe(answer)}.")
    if answer.keys() != right.keys():
        return Report("wrong_keys", f"answer: expected the keys {', '.join(right)}.")
    if all(value is None or value is Ellipsis for value in answer.values()):
        return Report("not_started", "every shape is empty. Fill them in and run this cell again.")
    verdicts, first = {}, None
    for name, shape in right.items():
        try:
            got = tuple(answer[name])
            fine = bool(got == shape)
            axes = {3: "three axes: time, batch, size", 2: "two axes, (out, in)", 1: "one axis"}[len(shape)]
            kind, advice = known[name].get(got, ("unknown", f"not that one. It has {axes}."))
        except (TypeError, ValueError):
            fine, (kind, advice) = False, ("wrong_type", "expected a tuple such as (6, 4, 2).")
            if isinstance(answer[name], int) and len(shape) == 1:
                advice = f"a tuple of one number needs a comma: ({answer[name]},)."
        verdicts[name] = "right" if fine else advice
        first = first or (None if fine else (kind, f"{name}: {advice}"))
    if first is None:
        return Report("correct", "all eight. These shapes stay the same through the whole course.")
    n_right = sum(verdict == "right" for verdict in verdicts.values())
    table = [("array", "verdict"), *verdicts.items()]
    return Report(first[0], f"{n_right} of {len(right)} are right. The first to look at is {first[1]}", tuple(table))


@never_raises
def check_count_params(count_params):
    """Check exercise 2: `count_params(input_size, hidden_size, output_size)`, the number of trainable numbers."""
    sizes = np.array([(2, 5, 4), (1, 16, 1), (3, 1, 2), (65, 100, 65)])
    I, H, O = sizes.T
    right = H * I + H * H + H + O * H + O
    got, report = call_each(count_params, ("I", "H", "O"), [tuple(map(int, row)) for row in sizes])
    if report is not None:
        return report
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
    ]
    return judge("count_params", got, right, mistakes, "H (I + H + 1) + O (H + 1), and T is nowhere in it.")


@never_raises
def check_time_major(time_major):
    """Check exercise 3: `time_major(X)` turns (B, T, I) into (T, B, I)."""
    X = np.random.default_rng(0).normal(size=(3, 7, 2))
    got, report = attempt(time_major, X)
    if report is not None:
        return report
    mistakes = [
        ("reshaped", X.reshape(7, 3, 2), "the shape is right and the numbers are scrambled. `reshape` keeps the order "
         "in memory and only cuts it anew; here two axes change places."),
        ("unchanged", X, "the batch is still first."),
        ("all_axes_reversed", X.T, "all three axes are reversed. Only the first two change places."),
        ("wrong_axes", X.swapaxes(1, 2), "the wrong two axes changed places."),
        ("wrong_axes", X.swapaxes(0, 2), "the wrong two axes changed places."),
        ("flattened", X.reshape(21, 2), "three axes should come out. None is merged."),
    ]
    report = judge("time_major(X)", got, X.swapaxes(0, 1), mistakes)
    if not report.passed:
        return report
    X = X[:1, :4]
    got, report = attempt(time_major, X)
    if report is None:
        report = judge("time_major(X) for B=1, T=4", got, X.swapaxes(0, 1))
    return Report("correct", "step t of sequence b is now X[t, b].") if report.passed else report


@never_raises
def check_step_columns(step_columns):
    """Check exercise 4: `step_columns(params, x_t, h_prev)`, one step on columns: (I, B), (H, B) -> (H, B)."""
    for B in (5, 3):  # B = H first, where a wrong bias axis raises nothing
        rng = np.random.default_rng(B)
        W_xh, W_hh, b_h = rng.normal(size=(5, 2)), rng.normal(size=(5, 5)), rng.normal(size=5)
        x_t, h_prev = rng.normal(size=(2, B)), rng.uniform(-0.8, 0.8, (5, B))
        got, report = attempt(step_columns, {"W_xh": W_xh, "W_hh": W_hh, "b_h": b_h}, x_t, h_prev)
        if report is not None:
            return report
        products = W_xh @ x_t + W_hh @ h_prev
        right = np.tanh(products + b_h[:, None])
        across = b_h if B == 5 else b_h[:B]
        mistakes = [
            ("bias_wrong_axis", np.tanh(products + across), "with B = H = 5 nothing complains, but b_h was added along "
             "the batch: unit 0's bias went to sequence 0. Which shape must b_h have to go down a column?"),
            ("bias_missing", np.tanh(products), "b_h is never added."),
            ("tanh_missing", products + b_h[:, None], "right up to the activation."),
            ("W_hh_transposed", np.tanh(W_xh @ x_t + W_hh.T @ h_prev + b_h[:, None]),
             "W_hh is transposed. For columns the code reads like the equation."),
            ("carry_missing", np.tanh(W_xh @ x_t + b_h[:, None]),
             "the new state depends on the input only. Where does the previous state come in?"),
            ("input_missing", np.tanh(W_hh @ h_prev + b_h[:, None]), "the input is missing. Where is W_xh x_t?"),
            ("rows", right.T, "that is the state as rows, (B, H). Columns are wanted: (H, B)."),
        ]
        report = judge("the new state", got, right, mistakes)
        if not report.passed:
            return report
    return Report("correct", "the same numbers as with rows, lying on their side.")


@never_raises
def check_careful_mse(careful_mse):
    """Check exercise 5: `careful_mse(Y, target)`, the mean squared error, ValueError for two different shapes."""
    rng = np.random.default_rng(0)
    Y, target = rng.normal(size=(2, 7, 3, 2))
    loss, report = attempt(careful_mse, Y, target)
    if report is not None:
        return report
    squares = (Y - target) ** 2
    mistakes = [
        ("sum", squares.sum(), "that is the sum of the squares. The mean is wanted."),
        ("half", squares.mean() / 2, "that is half of it. Our loss has no factor 1/2."),
        ("mean_first", (Y - target).mean() ** 2, "that is the square of the mean. The mean of the squares is wanted."),
        ("root", np.sqrt(squares.mean()), "that is its square root."),
        ("absolute", np.abs(Y - target).mean(), "that is the mean of the distances, not of their squares."),
        ("not_averaged", squares, "those are the squares. Their mean is wanted, one number."),
        ("mean_over_time", squares.sum() / 7, "that is divided by T only. The mean is over all elements."),
        ("mean_over_batch", squares.sum() / 3, "that is divided by B only. The mean is over all elements."),
        ("mean_over_steps", squares.sum() / 21, "that is divided by T B only. The mean is over all elements."),
    ]
    report = judge("careful_mse", loss, squares.mean(), mistakes)
    if not report.passed:
        return report

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
        verdict, report = attempt(refuses, *(rng.normal(size=shape) for shape in shapes))
        if report is not None:
            return report
        if verdict == "accepted":
            return Report(
                "broadcasts", f"Y of shape {shapes[0]} and target of shape {shapes[1]} give a number and no error: "
                "NumPy has broadcast them. Compare the shapes first, and `raise`: a message that is only printed "
                "lets the number through.",
            )
        if verdict == "returned":
            return Report("not_raised", "for two different shapes the function must `raise` a ValueError, not return.")
        if verdict != "refused":
            return Report("wrong_exception", f"two different shapes raise {verdict}. Raise a ValueError that says why.")
    return Report("correct", "two shapes that differ never become a number again.")
