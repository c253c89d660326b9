"""Checks of notebook 09's exercises on gates; that of the LSTM's backward pass has a file of its own."""

import copy

import numpy as np

from rnn_lib import GRU, LSTM, RNN, data
from rnn_lib.activations import sigmoid
from rnn_lib.exercises.forward_pass import require_unchanged
from rnn_lib.exercises.verdict import (
    as_numbers,
    call,
    is_single,
    is_unfilled,
    judge,
    require,
    require_dict,
    require_filled,
    returns_report,
    safe_describe,
)
from rnn_lib.ground.validation import check_number
from rnn_lib.initialization import forget_bias
from rnn_lib.losses import cross_entropy_loss, last_step
from rnn_lib.optim import Adam
from rnn_lib.training import Batch, train

__all__ = ["check_gate_counts", "check_lag_bias", "check_lstm_step", "check_open_roads"]


@returns_report
def check_lstm_step(step):
    """Check exercise 1: (params, x_t, h, c) -> the new (h, c); params are those of an `LSTM` without its output."""
    rng = np.random.default_rng(7)
    H, B, I = 3, 4, 2
    net = LSTM(I, H, 1, seed=2)
    params = {name: 2 * net.params[name] for name in ("W_xh", "W_hh", "b_h")}
    x, h, c = rng.normal(size=(B, I)), rng.uniform(-0.9, 0.9, size=(B, H)), rng.normal(size=(B, H))
    handed_in = {**copy.deepcopy(params), "x_t": x.copy(), "h": h.copy(), "c": c.copy()}
    got = call(step, {name: handed_in[name] for name in params}, *(handed_in[name] for name in ("x_t", "h", "c")))
    is_pair = isinstance(got, tuple | list) and len(got) == 2
    require(is_pair, "wrong_type", f"expected the new h and c, a pair, got {safe_describe(got)}.")

    blocks = np.split(x @ params["W_xh"].T + h @ params["W_hh"].T + params["b_h"], 4, axis=1)

    def new(blocks=blocks, order="ifgo", gate=sigmoid, squash=np.tanh, kept=c, show=np.tanh, shown=None, **gates):
        z = dict(zip(order, blocks, strict=True))
        i, f, o = (gates.get(name, gate(z[name])) for name in "ifo")
        new_c = f * kept + i * squash(z["g"])
        return o * show(new_c if shown is None else shown), new_c

    def read(h=h, b=params["b_h"]):
        return np.split(x @ params["W_xh"].T + h @ params["W_hh"].T + b, 4, axis=1)

    right_h, right_c = new()
    nested = np.shape(as_numbers(got[1])) == (2, B, H)
    require(not nested, "wrong_shape", "the second of the two is a pair itself, as PyTorch's layers return it. "
            "Return the new h and the new c.")
    for name, part, value in (("the new h", got[0], right_h), ("the new c", got[1], right_c)):
        array = as_numbers(part)
        require(array is not None, "wrong_type", f"{name}: expected numbers, got {safe_describe(part)}.")
        require(array.shape == value.shape, "wrong_shape", f"{name}: expected {value.shape}, got {array.shape}.")
    known = [
        ("pair_swapped", (right_c, right_h), "right numbers, in the wrong places: return h first, then c."),
        ("gate_order", new(order="ifog"), "the blocks stand in the order i, f, g, o: the third is the candidate."),
        ("gate_order", new(order="figo"), "i and f are exchanged: the blocks stand in the order i, f, g, o."),
        ("gate_order", new(order="fiog"), "the blocks stand in the order i, f, g, o, not f, i, o, g."),
        ("candidate_squashed_wrong", new(squash=sigmoid), "the candidate g goes through tanh, not the sigmoid."),
        ("candidate_squashed_twice", new(squash=lambda z: np.tanh(sigmoid(z))),
         "the candidate g goes through tanh alone, without a sigmoid before it."),
        ("candidate_not_squashed", new(squash=lambda z: z), "the candidate g has to go through tanh."),
        ("gates_not_squashed", new(gate=lambda z: z), "the gates i, f and o have to go through the sigmoid."),
        ("gates_squashed_wrong", new(gate=np.tanh), "the gates i, f and o go through the sigmoid, not tanh."),
        ("gates_squashed_wrong", new(o=np.tanh(blocks[3])), "the output gate o goes through the sigmoid, not tanh."),
        ("old_cell_missing", new(kept=0), "the old cell state is missing: c = f * c + i * g."),
        ("no_forget_gate", new(f=1), "the old cell state has to be multiplied by the forget gate."),
        ("no_input_gate", new(i=1), "the candidate has to be multiplied by the input gate."),
        ("no_output_gate", new(o=1), "what is shown has to be multiplied by the output gate: h = o * tanh(c)."),
        ("coupled", new(f=1 - sigmoid(blocks[0])), "f is not 1 - i here: it has a block of its own."),
        ("coupled", new(i=1 - sigmoid(blocks[1])), "i is not 1 - f here, as in a GRU: it has a block of its own."),
        ("wrong_state_kept", new(kept=h), "the cell keeps c, the old cell state, not h."),
        ("no_tanh_of_cell", new(show=lambda c: c), "h = o * tanh(c): the tanh is missing."),
        ("tanh_kept", (right_h, np.tanh(right_c)), "the tanh belongs to h alone: return c itself, not tanh(c)."),
        ("old_cell_shown", new(shown=c), "h is made from the *new* cell state."),
        ("no_recurrence", new(read(h=0 * h)), "the gates read h as well: W_hh is missing."),
        ("gates_read_cell", new(read(h=c)), "the gates read h, not c."),
        ("no_bias", new(read(b=0)), "the bias b_h is missing."),
    ]
    remark = judge("the new h and c", np.concatenate([as_numbers(part) for part in got]),
                   np.concatenate([right_h, right_c]),
                   [(kind, np.concatenate(wrong), tip) for kind, wrong, tip in known], single=is_single(got))
    require_unchanged({**params, "x_t": x, "h": h, "c": c}, handed_in)
    return "the cell keeps a share of itself, takes in a share of the candidate, and shows a share of the sum." + remark


@returns_report
def check_gate_counts(counts):
    """Check exercise 3: the numbers in LSTM(4, 32, 4) and GRU(4, 32, 4), and the LSTM's size nearest to an RNN's."""
    sizes = {H: LSTM(4, H, 4).n_params for H in range(1, 65)}
    wanted = RNN(4, 64, 4).n_params
    right = {"LSTM": sizes[32], "GRU": GRU(4, 32, 4).n_params,
             "hidden size": min(sizes, key=lambda H: abs(sizes[H] - wanted))}
    require_dict("counts", counts, right, of="whole numbers")
    empty = [key for key in right if is_unfilled(counts[key])]
    require(not empty, "not_started", f"{', '.join(empty)}: write a whole number.")
    for key in right:
        number = as_numbers(counts[key])
        whole = number is None or number.shape != () or not np.isfinite(number) or number == np.round(number)
        require(whole, "not_whole", f"{key}: expected a whole number, got {counts[key]}. A fraction of a unit or of a "
                "weight there is not.")
    cell = {k: 4 * 32 * k + 32 * 32 * k for k in (2, 3, 4)}
    output = 4 * 32 + 4
    judge("LSTM", counts["LSTM"], right["LSTM"], [
        ("one_gate", 4 * 32 + 32 * 32 + 32 + output, "that is a plain RNN: an LSTM has four blocks of W_xh, W_hh and "
         "b_h."),
        ("three_gates", cell[3] + 3 * 32 + output, "three blocks: the candidate g has one, too."),
        ("two_biases", right["LSTM"] + 4 * 32, "one bias a block here; PyTorch's has two."),
        ("no_output", right["LSTM"] - output, "W_hy and b_y are missing."),
        ("no_output_bias", right["LSTM"] - 4, "the bias b_y of the output is missing."),
        ("one_block_of_inputs", right["LSTM"] - 3 * 4 * 32, "W_xh has four blocks, as W_hh and b_h have."),
        ("no_biases", right["LSTM"] - 4 * 32, "the four blocks of b_h are missing."),
        ("output_too", 4 * (4 * 32 + 32 * 32 + 32 + output), "the output layer is there once, not once a gate."),
    ])
    judge("GRU", counts["GRU"], right["GRU"], [
        ("one_bias", right["GRU"] - 3 * 32, "a GRU has two biases, b_xh and b_hh, of three blocks each: one stands "
         "inside the reset gate's product."),
        ("one_block_of_b_hh", right["GRU"] - 2 * 32, "both biases, b_xh and b_hh, have three blocks each."),
        ("two_blocks", cell[2] + 2 * 32 + output, "two gates, but three blocks: the candidate n has one, too."),
        ("two_blocks", cell[2] + 4 * 32 + output, "two gates, but three blocks: the candidate n has one, too."),
        ("share_of_lstm", 3 * right["LSTM"] // 4, "three quarters of the LSTM's do not do: the output layer is there "
         "whole, and a GRU has two biases."),
        ("four_gates", cell[4] + 8 * 32 + output, "a GRU has three blocks: r, z and n."),
        ("no_output", right["GRU"] - output, "W_hy and b_y are missing."),
        ("no_output_bias", right["GRU"] - 4, "the bias b_y of the output is missing."),
    ])
    judge("hidden size", counts["hidden size"], right["hidden size"], [
        ("quarter", 16, "a quarter of 64 is too few: W_hh has H² numbers a block."),
        ("half", 32, f"half of 64 is near, but LSTM(4, 32, 4) has {sizes[32]} numbers and RNN(4, 64, 4) {wanted}."),
        ("neighbour", right["hidden size"] - 1, "one too few."),
    ])
    return (f"{right['LSTM']}, {right['GRU']}, and {right['hidden size']} units: with as many numbers as an RNN, an "
            "LSTM has about half its units.")


@returns_report
def check_open_roads(reaches):
    """Check exercise 4: with W_hh = 0 and the error at step 3 only, does a gradient reach x_1?"""
    right = {
        "RNN": (False, "h_t is handed on by W_hh alone: with W_hh = 0 nothing goes from one step to the next."),
        "GRU": (True, "h_t is made of z_t * h_{t-1} as well, a road without W_hh."),
        "LSTM": (True, "road 4, from c_{t+1} to c_t by the forget gate, does not go through W_hh."),
        "LSTM, forget gates at 0": (False, "road 4 multiplies by the forget gate, and road 2 is closed."),
        "LSTM, output gates at 0 before step 3": (
            True, "the output gate stands between c and h. From c_1 to c_3 nothing asks it, and at step 3 it is open."),
    }
    require_dict("reaches", reaches, right, of="True or False")
    empty = [key for key in right if is_unfilled(reaches[key])]
    require(not empty, "not_started", f"{'; '.join(empty)}: write True or False.")
    for key, (truth, reason) in right.items():
        answer = reaches[key]
        require(isinstance(answer, bool | np.bool_), "wrong_type", f"{key}: expected True or False, got "
                f"{safe_describe(answer)}.")
        require(bool(answer) == truth, "wrong_road", f"{key}: not so: {reason}")
    return ("what needs no W_hh is the road along the kept state, and only the gate that keeps (f, in a GRU z) stands "
            "on it between two steps.")


@returns_report
def check_lag_bias(bias):
    """Check exercise 5: the bias of its update gate with which GRU(4, 32, 4) learns to recall over 50 steps."""
    require_filled("bias", bias)
    try:
        bias = check_number("bias", bias)
    except (TypeError, ValueError):
        require(False, "wrong_type", f"bias: expected a number, got {safe_describe(bias)}.")
    forgets = f"with bias {bias:g} a gate loses {float(sigmoid(-bias)):.2g} of its state a step"
    require(bias >= 1, "too_small", f"{forgets}: after 50 steps next to nothing is left.")
    require(bias <= 10, "too_large", f"{forgets}, and writes almost nothing: what is there to be kept?")
    shares = [recalled(bias, seed) for seed in range(2)]
    learned = " and ".join(f"{share:.0%}" for share in shares)
    kind = "too_small" if bias < 4 else "too_large"
    require(min(shares) > 0.9, kind, f"{forgets}. From two starts it then names {learned} of the symbols: try a bias "
            f"that is {'larger' if bias < 4 else 'smaller'}.")
    return f"{forgets}, and from two starts it recalls more than 90 % of the symbols."


def recalled(bias, seed, T=50, updates=300):
    """Return the share of right answers of a GRU that was trained to name the first of T symbols."""
    model = forget_bias(GRU(4, 32, 4, seed=seed, dtype=np.float32), bias)
    loss_fn = last_step(cross_entropy_loss)

    def batches(epoch):
        yield Batch(*data.first_symbol(64, T, seed=epoch + 1))

    X, labels = data.first_symbol(256, T, seed=0)

    def right():
        return float((model.forward(X)[-1].argmax(axis=-1) == labels).mean())

    train(model, batches, Adam(model.params, lr=0.01), loss_fn=loss_fn, epochs=updates, clip_norm=1.0, verbose=False,
          on_epoch=lambda epoch, history: epoch % 25 == 24 and right() >= 0.99)
    return right()
