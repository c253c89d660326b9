"""What an example says about nudges is what the derivatives say, and a wrong claim is refused."""

import numpy as np
import pytest
from oracles import rnn_problem

from rnn_lib import RNN, data
from rnn_lib.losses import mse_loss
from rnn_lib.nudge import Example
from rnn_lib.playgrounds.backward_walk import walk_back

NUDGE_OF = {
    "dy_t": "y", "from_y": "h to y", "carry": "h to z", "dh_t": "h", "dz_t": "z",
    "dW_xh": "W_xh", "dW_hh": "W_hh", "db_h": "b_h", "dW_hy": "W_hy", "db_y": "b_y",
}


@pytest.fixture
def problem():
    """An example and what `RNN` and the walk say about it."""
    model, X, target, state = rnn_problem(T=4, B=3, I=2, H=5, O=2)
    _, dY = mse_loss(model.forward(X, state), target)
    example = Example(model.params, X, target, state)
    return example, model.backward(dY), walk_back(model.params, X, model.hidden_states, dY)


def test_the_forward_pass_is_that_of_rnn(problem):
    example = problem[0]
    model = RNN(2, 5, 2).set_params(example.params)
    Y = model.forward(example.X, example.state)
    np.testing.assert_allclose(example.Y, Y, rtol=1e-13)
    np.testing.assert_allclose(example.h, model.hidden_states, rtol=1e-13)
    assert example.loss({}) == pytest.approx(mse_loss(Y, example.target)[0], rel=1e-13)


def test_every_quantity_of_the_walk_is_the_slope_of_its_nudge(problem):
    example, _, ledger = problem
    for t in (1, 2, 3, 4):
        for quantity, name in NUDGE_OF.items():
            assert example.agrees(ledger[t][quantity], name, t), (t, quantity)
    assert example.agrees(ledger[0]["carry"], "h", 0) and example.agrees(ledger[0]["carry"], "h to z", 0)
    assert not example.slope("h to z", 4).any()


def test_all_copies_of_a_weight_move_together(problem):
    example, grads, _ = problem
    for name, gradient in grads.items():
        assert example.agrees(gradient, name, (1, 2, 3, 4))
        assert not example.agrees(gradient, name, (2, 3, 4)) and not example.agrees(2 * gradient, name, range(1, 5))


def test_the_input_can_be_nudged(problem):
    example, _, ledger = problem
    for t in (1, 4):
        assert example.agrees(ledger[t]["dz_t"] @ example.params["W_xh"], "x", t)


def test_the_past_stays_and_the_future_moves(problem):
    example = problem[0]
    h, Y = example.forward({("h", 2): np.full((3, 5), 0.1)})
    assert np.array_equal(h[:2], example.h[:2]) and np.array_equal(Y[:1], example.Y[:1])
    np.testing.assert_allclose(h[2], example.h[2] + 0.1)
    assert (h[3:] != example.h[3:]).all() and (Y[1:] != example.Y[1:]).all()


def test_a_real_nudge_comes_near_the_complex_step():
    tiny = Example(*data.tiny_example())
    slopes = [(tiny.loss({("h", 2): np.array([[d, 0]])}) - tiny.loss({})) / d for d in (0.1, 0.01, 0.001)]
    np.testing.assert_allclose(slopes, [0.3281, 0.3126, 0.3111], atol=5e-5)
    assert tiny.slope("h", 2)[0, 0] == pytest.approx(0.3109, abs=5e-5)


def test_a_small_slope_is_as_exact_as_a_large_one():
    params, X, target = data.tiny_example()
    tiny = Example({name: 1e-4 * param for name, param in params.items()}, X, target)
    slope = tiny.slope("W_hh", (1, 2, 3))
    assert 0 < np.abs(slope).max() < 1e-9
    assert tiny.agrees(slope, "W_hh", (1, 2, 3)) and not tiny.agrees(1.001 * slope, "W_hh", (1, 2, 3))


def test_twelve_digits_are_compared(problem):
    example = problem[0]
    slope = example.slope("h", 2)
    assert example.agrees(slope * (1 + 1e-13), "h", 2) and not example.agrees(slope * (1 + 1e-11), "h", 2)


def test_the_example_keeps_its_own_weights():
    params, X, target = data.tiny_example()
    tiny = Example(params, X, target)
    params["W_hh"][...] = 0
    assert tiny.params["W_hh"].all()


def test_prove_prints_what_agrees_and_stops_at_what_does_not(capsys):
    tiny = Example(*data.tiny_example())
    tiny.check(tiny.slope("h to z", 2), "h to z", 2)
    tiny.check(tiny.slope("b_h", (1, 2, 3)), "b_h", (1, 2, 3))
    tiny.check(tiny.slope("y", (1, 2)), "y", (1, 2))
    assert capsys.readouterr().out == (
        "dL/dh_2 (copy to z) = [[0.0345, 0.0135]]   shape (1, 2)   complex step: the same\n"
        "dL/db_h (copies 1, 2, 3) = [0.5408, -0.2756]   shape (2,)   complex step: the same\n"
        "dL/dy_1, 2 = [[0.5721]]   shape (1, 1)   complex step: the same\n"
    )
    with pytest.raises(AssertionError, match=r"dL/dW_hh \(copy 2\): you claim .* the complex step finds .*\. Look at"):
        tiny.check(np.zeros((2, 2)), "W_hh", 2)
    with pytest.raises(AssertionError, match=r"you claim \[\[0\.0, 0\.0\]\]"):
        tiny.check(np.full((1, 2), -1e-9), "h", 2)
    with pytest.raises(ValueError, match="claim: expected shape"):
        tiny.check(np.zeros(2), "h", 2)
    with pytest.raises(ValueError, match="name: expected one of 'x', .* got 'h_2'"):
        tiny.check(np.zeros((1, 2)), "h_2", 2)


@pytest.mark.parametrize(("wrong", "name"), [
    (lambda ledger, T, O: sum(ledger[t]["dW_hh"] for t in range(2, T + 1)), "W_hh"),
    (lambda ledger, T, O: sum(ledger[t]["dz_t"].mean(axis=0) for t in range(1, T + 1)), "b_h"),
    (lambda ledger, T, O: O * sum(ledger[t]["db_y"] for t in range(1, T + 1)), "b_y"),
])
def test_wrong_rules_pass_on_the_tiny_example_alone(problem, wrong, name):
    tiny = Example(*data.tiny_example())
    ledger = walk_back(tiny.params, tiny.X, tiny.h, mse_loss(tiny.Y, tiny.target)[1])
    assert tiny.agrees(wrong(ledger, 3, 1), name, (1, 2, 3))
    example, _, ledger = problem
    assert not example.agrees(wrong(ledger, 4, 2), name, (1, 2, 3, 4))


@pytest.mark.parametrize("key", ["hx", ("h", 1, 2)])
def test_a_nudge_is_named_by_quantity_and_step(key):
    with pytest.raises(TypeError, match=r"^nudges: expected keys \(name, step\), got"):
        Example(*data.tiny_example()).forward({key: np.zeros((1, 2))})
