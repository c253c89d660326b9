"""Checks of notebook 11's exercises on automatic differentiation and PyTorch."""

import numpy as np

from rnn_lib import GRU, RNN
from rnn_lib.exercises.verdict import (
    Verdict,
    as_numbers,
    attempt,
    is_unfilled,
    judge,
    require,
    require_dict,
    returns_report,
    safe_describe,
)
from rnn_lib.ground.validation import check_array, check_choice

__all__ = [
    "check_back_through_divide", "check_from_keras", "check_mystery_network", "check_undo_broadcast",
    "mystery_network",
]


@returns_report
def check_back_through_divide(back):
    """Check exercise 1: what goes back through y = a / b, `back(d, y, a, b)`, a pair: to a and to b."""
    rng = np.random.default_rng(0)
    d, a, b = rng.normal(size=(3, 2, 3))
    b = b + 2 * np.sign(b)
    y = a / b
    got = attempt(back, d, y, a, b)
    is_pair = isinstance(got, tuple | list) and len(got) == 2 or np.shape(as_numbers(got)) == (2, 2, 3)
    require(is_pair, "wrong_type", f"expected a pair, (to a, to b), got {safe_describe(got)}.")
    to_a, to_b = d / b, -d * y / b
    swapped = np.shape(as_numbers(got[0])) == to_b.shape and np.allclose(as_numbers(got[0]), to_b)
    require(not swapped, "swapped", "the first of the two is what should go to b: turn them round.")
    judge("what goes to a", got[0], to_a, [
        ("d_missing", 1 / b, "this is dy/da alone. It goes back times d."),
        ("scale", d * b, "this is the rule of a product: a was divided by b, not multiplied."),
        ("scale", d * y, "how does y move with a, when b is held fixed?"),
    ])
    judge("what goes to b", got[1], to_b, [
        ("sign", -to_b, "the sign is turned: a larger b makes a positive y smaller."),
        ("d_missing", -y / b, "this is dy/db alone. It goes back times d."),
        ("scale", -d * y, "once more divided by b: the derivative of 1/b is -1/b²."),
        ("scale", -d * y / b**2, "divided by b once too often: y holds one 1/b already."),
        ("scale", -d / b**2, "the a is missing: y is a times 1/b."),
        ("scale", d * a, "this is the rule of a product."),
        ("scale", d * y, "the derivative of 1/b is -1/b²: a minus and a square are missing."),
        ("turned_round", d / a, "this is a slope of b / a. In a / b the b is below the line: 1/b has the slope -1/b²."),
    ])
    return "with b fixed y is a times a constant, and -a / b² is -y / b."


@returns_report
def check_undo_broadcast(undo):
    """Check exercise 2: a gradient, summed to the shape that a value had before it was broadcast, `undo(d, shape)`."""
    rng = np.random.default_rng(0)
    for before, after in [((4,), (3, 4)), ((3, 1), (3, 4)), ((1, 4), (3, 4)), ((), (3, 4)), ((1,), (3, 4)),
                          ((3, 1), (2, 3, 4)), ((3, 4), (3, 4)), ((1, 3, 1), (2, 3, 4))]:
        d = rng.normal(size=after)
        front = tuple(range(len(after) - len(before)))
        padded = (1,) * len(front) + before
        stretched = tuple(i for i, (n, m) in enumerate(zip(padded, after, strict=True)) if n == 1)
        expected = d.sum(axis=stretched, keepdims=True).reshape(before)
        mean = d.mean(axis=stretched, keepdims=True).reshape(before)
        name = f"a value {before} in a result {after}"
        got = attempt(undo, d, before, hints={
            ValueError: "If `reshape` raised it: that sums nothing. If an axis was out of range: without keepdims=True "
                        "a sum takes its axis away, and the later ones move up."})
        in_front = d.sum(axis=front)
        first_copy = d[tuple(slice(1) if axis in stretched else slice(None) for axis in range(d.ndim))].reshape(before)
        mistakes = [
            ("mean", mean, "this is the mean. What was used several times gets the sum."),
            ("front_only", in_front, "only the axes in front are summed. Which were stretched from size 1? Ask "
             "`shape` for it, not `d.shape`."),
            ("first_copy", first_copy, "this is what came back to the first copy alone. Every copy counts."),
            ("one_axis", in_front.sum(axis=before.index(1), keepdims=True) if 1 in before else in_front, "only the "
             "first axis of size 1 is summed. There may be several."),
            ("keepdims_missing", d.sum(axis=stretched), "the numbers are right, but axes of size 1 are gone. Keep them "
             "with keepdims=True."),
            ("keepdims_in_front", d.sum(axis=stretched, keepdims=True), "the numbers are right, but the axes that were "
             "put in front are still there."),
            *(("total", total, "everything is summed. Sum along the axes on which it was repeated only.")
              for total in (d.sum(), np.full(before, d.sum()))),
            ("not_summed", d, "here something was repeated, and nothing is summed."),
        ]
        judge(name, got, expected, mistakes)
    return "every copy's gradient is collected, and the value gets its own shape back."


def keras_weights(params):
    """Return kernel, recurrent kernel and bias of a Keras GRU that equals ours; the blocks there are z, r, h."""
    def turned(name):
        r, z, n = np.split(params[name], 3)
        return np.concatenate([z, r, n]).T

    return turned("W_xh"), turned("W_hh"), np.array([turned("b_xh"), turned("b_hh")])


@returns_report
def check_from_keras(from_keras):
    """Check exercise 3: our GRU's parameters from a Keras GRU's, `from_keras(kernel, recurrent, bias)`."""
    params = GRU(input_size=2, hidden_size=4, output_size=1, seed=3).params
    wanted = {name: params[name] for name in ("W_xh", "W_hh", "b_xh", "b_hh")}
    kernel, recurrent, bias = keras_weights(params)
    raw = {"W_xh": kernel, "W_hh": recurrent}
    got = attempt(from_keras, kernel, recurrent, bias)
    require_dict("the answer", got, wanted, of="arrays")
    theirs = {"W_xh": kernel.T, "W_hh": recurrent.T, "b_xh": bias[0], "b_hh": bias[1]}
    other = {"b_xh": "b_hh", "b_hh": "b_xh"}
    for name, expected in wanted.items():
        z, r, n = np.split(theirs[name], 3)
        mistakes = [
            ("order", theirs[name], f"{name}: the blocks are still in Keras's order, z, r, h. Ours is r, z, n."),
            ("order", np.concatenate([n, z, r]), f"{name}: the blocks are in another order than ours: r, z, n."),
            ("order", np.concatenate([r, n, z]), f"{name}: the blocks are in another order than ours: r, z, n."),
            ("order", np.concatenate([z, n, r]), f"{name}: the blocks are in another order than ours: r, z, n."),
            ("order", np.concatenate([n, r, z]), f"{name}: the blocks are in another order than ours: r, z, n."),
            ("not_transposed", expected.T, f"{name}: the blocks are right, but it is still (in, out). Ours are "
             "(out, in).") if expected.ndim == 2 else
            ("rows_swapped", wanted[other[name]], f"{name}: this is the other one of the two biases. Row 0 of Keras's "
             "bias belongs to the kernel."),
        ]
        if expected.ndim == 2:
            stacked = [np.concatenate(np.split(array, 3, axis=1)) for array in (raw[name], expected.T)]
            reshaped = raw[name].reshape(expected.shape)
            z, r, n = np.split(reshaped, 3)
            below = f"{name}: the blocks were cut along axis 1, and joined along another one, below each other."
            in_memory = f"{name}: `reshape` fills new rows in the order of memory. To turn rows into columns, use .T."
            mistakes += [
                ("not_transposed", theirs[name].T, f"{name}: this is Keras's array as it came. Ours is (out, in), and "
                 "its blocks stand in another order."),
                *(("wrong_axis", turned, below) for array in stacked for turned in (array, array.T)),
                *(("reshaped", array, in_memory) for array in (
                    reshaped, np.concatenate([r, z, n]), expected.T.reshape(expected.shape))),
            ]
        else:
            mistakes.append(("summed", wanted["b_xh"] + wanted["b_hh"], f"{name}: the two biases of a GRU must not be "
                             "summed: the second one stands inside the product with r."))
        judge(name, got[name], expected, mistakes)
    return "transposed, z and r have changed places, and each bias has its row."


MISTAKES = ("batch_first", "reshape", "flip", "state kept between calls")
PRESENT = "reshape"


def mystery_network(X):
    """Return the outputs, (T, B, 1), of an untrained network that has one of the mistakes, for X, (T, B, 1)."""
    X = check_array("X", X, ("T", "B", 1), float)
    T, B, _ = X.shape
    model = RNN(input_size=1, hidden_size=5, output_size=1, seed=4)
    Y = model.forward(X.reshape(B, T, 1).transpose(1, 0, 2))
    return Y.transpose(1, 0, 2).reshape(T, B, 1)


@returns_report
def check_mystery_network(mistake):
    """Check exercise 4: the name of the mystery network's mistake."""
    require(not is_unfilled(mistake), "not_started", "mistake is empty. Examine the network, then run this cell again.")
    try:
        check_choice("mistake", mistake, MISTAKES)
    except (TypeError, ValueError) as error:
        raise Verdict("wrong_type", str(error)) from None
    for wrong, kind, hint in [
        ("batch_first", "taken_for_batch_first", "then only outputs of the same step would move, of this sequence and "
         "of later ones. Are there none of another step?"),
        ("flip", "taken_for_flip", "then only outputs of the same sequence would move. Look at the second number of "
         "what moved."),
        ("state kept between calls", "taken_for_kept_state", "then a second call with the same X would give other "
         "numbers. Does it?"),
    ]:
        require(mistake != wrong, kind, hint)
    return "what moves are the places that follow in the order of memory: the numbers were read row by row as (B, T)."
