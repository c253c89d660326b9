"""The checks of notebook 09's exercises: right answers pass, known mistakes are named, nothing raises."""

import numpy as np
import pytest
from oracles import Awkward, refuse_all

from rnn_lib import GRU, LSTM, RNN, exercises
from rnn_lib.activations import sigmoid

CHECKS = (exercises.check_lstm_step, exercises.check_gate_counts, exercises.check_open_roads, exercises.check_lag_bias)
COUNTS = {"LSTM": 4868, "GRU": 3780, "hidden size": 31}
ROADS = {"RNN": False, "GRU": True, "LSTM": True, "LSTM, forget gates at 0": False,
         "LSTM, output gates at 0 before step 3": True}


RUBBISH = [
    None, ..., -3, "text", [], {}, {"LSTM": 1}, np.ones((2, 2)), np.nan, True, Awkward(), lambda *args: None,
    lambda *args: 1 / 0, lambda *args: "text", lambda *args: (1, 2), lambda *args: (np.full((4, 3), np.nan),) * 2,
    lambda *args: Awkward(), lambda *args: (Awkward(), Awkward()), lambda: 1, dict.fromkeys(COUNTS),
    dict.fromkeys(COUNTS, Awkward()), dict.fromkeys(ROADS), dict.fromkeys(ROADS, "yes"), dict.fromkeys(ROADS, True),
    dict.fromkeys(ROADS, Awkward()), 1e9,
]


@pytest.mark.parametrize("check", CHECKS)
def test_no_answer_raises_or_passes_by_accident(check):
    refuse_all(check, RUBBISH)


def test_stubs_are_not_started():
    assert exercises.check_lstm_step(lambda *args: None).kind == "not_started"
    assert exercises.check_gate_counts(dict.fromkeys(COUNTS)).kind == "not_started"
    assert exercises.check_open_roads(dict.fromkeys(ROADS)).kind == "not_started"
    assert exercises.check_lag_bias(None).kind == "not_started"


def lstm_step(params, x_t, h, c, order="ifgo", squash=np.tanh, show=np.tanh, f=None, gates_read=None, kept=None,
              bias=True, shown=None, swap=False, gate=sigmoid, i=None, o=None, stored=lambda c: c):
    read = x_t @ params["W_xh"].T + (h if gates_read is None else gates_read(h, c)) @ params["W_hh"].T
    z = dict(zip(order, np.split(read + bias * params["b_h"], 4, axis=1), strict=True))
    i, f, o = (gate(z[name]) if own is None else own(z) for name, own in (("i", i), ("f", f), ("o", o)))
    new = f * (c if kept is None else kept(h, c)) + i * squash(z["g"])
    pair = o * show(new if shown is None else c), stored(new)
    return pair[::-1] if swap else pair


def test_lstm_step_right():
    report = exercises.check_lstm_step(lstm_step)
    assert report.passed and "remark" not in str(report)
    single = exercises.check_lstm_step(lambda *args: [part.astype(np.float32) for part in lstm_step(*args)])
    assert single.passed and "single precision" in str(single)
    model = LSTM(2, 3, 1)

    def by_the_library(params, x_t, h, c):
        model.set_params(params)
        model.forward(x_t[None], (h, c))
        return model.state

    assert exercises.check_lstm_step(by_the_library).passed


@pytest.mark.parametrize("kind, mistake", [
    ("pair_swapped", {"swap": True}),
    ("gate_order", {"order": "ifog"}),
    ("gate_order", {"order": "figo"}),
    ("gate_order", {"order": "fiog"}),
    ("candidate_squashed_wrong", {"squash": sigmoid}),
    ("candidate_squashed_twice", {"squash": lambda z: np.tanh(sigmoid(z))}),
    ("gates_not_squashed", {"gate": lambda z: z}),
    ("gates_squashed_wrong", {"gate": np.tanh}),
    ("gates_squashed_wrong", {"o": lambda z: np.tanh(z["o"])}),
    ("no_input_gate", {"i": lambda z: 1}),
    ("no_output_gate", {"o": lambda z: 1}),
    ("tanh_kept", {"stored": np.tanh}),
    ("candidate_not_squashed", {"squash": lambda z: z}),
    ("old_cell_missing", {"kept": lambda h, c: 0 * c}),
    ("no_forget_gate", {"f": lambda z: 1}),
    ("coupled", {"f": lambda z: 1 - sigmoid(z["i"])}),
    ("coupled", {"i": lambda z: 1 - sigmoid(z["f"])}),
    ("wrong_state_kept", {"kept": lambda h, c: h}),
    ("no_tanh_of_cell", {"show": lambda c: c}),
    ("old_cell_shown", {"shown": "old"}),
    ("no_recurrence", {"gates_read": lambda h, c: 0 * h}),
    ("gates_read_cell", {"gates_read": lambda h, c: c}),
    ("no_bias", {"bias": False}),
    ("unknown", {"squash": np.sin}),
])
def test_lstm_step_wrong(kind, mistake):
    assert exercises.check_lstm_step(lambda *args: lstm_step(*args, **mistake)).kind == kind


@pytest.mark.parametrize("kind, answer", [
    ("wrong_type", lambda *args: lstm_step(*args)[0]), ("wrong_type", lambda *args: ("h", "c")),
    ("wrong_shape", lambda *args: [part.T for part in lstm_step(*args)]), ("exception", lambda *args: 1 / 0),
])
def test_lstm_step_is_no_pair_of_arrays(kind, answer):
    assert exercises.check_lstm_step(answer).kind == kind


def test_lstm_step_as_pytorch_returns_it():
    report = exercises.check_lstm_step(lambda *args: (lstm_step(*args)[0], lstm_step(*args)))
    assert report.kind == "wrong_shape" and "a pair itself" in str(report)


def test_lstm_step_that_writes_into_its_arguments():
    def in_place(params, x_t, h, c):
        new_h, new_c = lstm_step(params, x_t, h, c)
        c[...] = new_c
        return new_h, c

    report = exercises.check_lstm_step(in_place)
    assert report.kind == "argument_changed" and "changes c." in str(report)


def test_gate_counts_right():
    assert COUNTS["LSTM"] == LSTM(4, 32, 4).n_params and COUNTS["GRU"] == GRU(4, 32, 4).n_params
    assert exercises.check_gate_counts(COUNTS).passed


@pytest.mark.parametrize("key, kind, number", [
    ("LSTM", "one_gate", 1316), ("LSTM", "three_gates", 3684), ("LSTM", "two_biases", 4996),
    ("LSTM", "no_output_bias", 4864), ("LSTM", "one_block_of_inputs", 4484), ("LSTM", "not_whole", 4868.5),
    ("LSTM", "no_output", 4736), ("LSTM", "no_biases", 4740), ("LSTM", "output_too", 5264),
    ("GRU", "one_bias", 3684), ("GRU", "four_gates", 4996), ("GRU", "no_output", 3648),
    ("GRU", "one_block_of_b_hh", 3716), ("GRU", "two_blocks", 2500), ("GRU", "two_blocks", 2564),
    ("GRU", "share_of_lstm", 3651), ("GRU", "no_output_bias", 3776), ("hidden size", "not_whole", 30.6),
    ("hidden size", "quarter", 16), ("hidden size", "half", 32), ("hidden size", "neighbour", 30),
    ("hidden size", "unknown", 64),
])
def test_gate_counts_wrong(key, kind, number):
    assert exercises.check_gate_counts(COUNTS | {key: number}).kind == kind


@pytest.mark.parametrize("key", ROADS)
def test_open_roads(key):
    assert exercises.check_open_roads(ROADS).passed
    report = exercises.check_open_roads(ROADS | {key: not ROADS[key]})
    assert report.kind == "wrong_road" and key in str(report)


def test_what_the_roads_say_is_so():
    """The answers of exercise 4, by the networks themselves."""
    for key, answer in ROADS.items():
        model = {"RNN": RNN, "GRU": GRU, "LSTM": LSTM}[key.split(",")[0]](1, 4, 1)
        model.params["W_hh"][...] = 0
        X = np.ones((3, 1, 1))
        if "forget" in key:
            model.params["b_h"][model.gate_rows("f")] = -800
        if "output" in key:  # closed for the first two inputs, open for the third
            model.params["W_xh"][model.gate_rows("o")] = -800
            X = np.array([1.0, 1.0, -1.0]).reshape(3, 1, 1)
        model.forward(X)
        model.backward(np.array([0.0, 0.0, 1.0]).reshape(3, 1, 1))
        assert (model.input_gradient()[0, 0, 0] != 0) == answer, key


@pytest.mark.parametrize("kind, bias", [("too_small", 0), ("too_large", 12), ("wrong_type", "4"), ("correct", 4)])
def test_lag_bias(kind, bias):
    assert exercises.check_lag_bias(bias).kind == kind
