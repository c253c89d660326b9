"""The walk back through time: its numbers are RNN.backward's, and panel and figure show them."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from rnn_lib import RNN, data, playgrounds, plots
from rnn_lib.playgrounds.backward_walk import EVERY_STEP, LAST_STEP, walk_back
from rnn_lib.plots.gradients import backward_arrows


def words(figure):
    """All text in a figure."""
    return "\n".join(text.get_text() for axis in figure.axes for text in axis.texts)


@pytest.mark.parametrize(("T", "B", "I", "H", "O"), [(1, 1, 1, 1, 1), (3, 1, 1, 2, 1), (7, 4, 3, 5, 2)])
def test_the_steps_add_up_to_backward(T, B, I, H, O):
    rng = np.random.default_rng(0)
    model = RNN(I, H, O, seed=0)
    X, dY = rng.normal(size=(T, B, I)), rng.normal(size=(T, B, O))
    model.forward(X, rng.normal(size=(B, H)))
    ledger = walk_back(model.params, X, model.hidden_states, dY)
    assert sorted(ledger) == list(range(T + 1))
    for name, gradient in model.backward(dY).items():
        total = sum(ledger[t]["d" + name] for t in range(1, T + 1))
        np.testing.assert_allclose(total, gradient, rtol=1e-12, atol=1e-14)
    for t in range(1, T + 1):
        np.testing.assert_allclose(ledger[t]["dh_t"], ledger[t]["from_y"] + ledger[t]["carry"])


def test_the_carry_left_over_is_the_gradient_of_the_initial_state():
    params, X, target = data.tiny_example()
    model = RNN(1, 2, 1)
    model.params = {name: param.astype(complex) for name, param in params.items()}
    ledger = playgrounds.run_backward_walk().ledger
    for j in range(2):
        state = np.zeros((1, 2), complex)
        state[0, j] = 1e-30j
        loss = ((model.forward(X, state) - target) ** 2).mean()
        np.testing.assert_allclose(ledger[0]["carry"][0, j], loss.imag / 1e-30, rtol=1e-12)


def test_error_at_the_last_step_only():
    result = playgrounds.run_backward_walk(4, LAST_STEP)
    every = playgrounds.run_backward_walk(4, EVERY_STEP)
    for t in (1, 2):
        assert not result.ledger[t]["dy_t"].any()
        assert result.ledger[t]["dz_t"].all()
    for name in ("dy_t", "dz_t", "dW_hy"):  # the loss has lost two terms; the third is as it was
        np.testing.assert_array_equal(result.ledger[3][name], every.ledger[3][name])
    loss = result.ledger[3]["dy_t"].item() ** 2 * 3 / 4  # (y - target)^2 / 3, from 2 (y - target) / 3
    assert f"loss {loss:.4f}" in result.summary


def test_without_recurrence_nothing_is_carried():
    result = playgrounds.run_backward_walk(4, EVERY_STEP, 0.0)
    assert not any(result.ledger[t]["carry"].any() for t in range(4))
    assert sum(result.ledger[t]["dW_hh"] for t in (1, 2, 3)).all()


@pytest.mark.parametrize(("settings", "t", "missing"), [
    ((EVERY_STEP, 1.0), 0, 0), ((LAST_STEP, 1.0), 0, 2), ((EVERY_STEP, 0.0), 0, 3), ((LAST_STEP, 0.0), 0, 7),
    ((LAST_STEP, 1.0), 3, 0), ((LAST_STEP, 1.0), 2, 1),
])
def test_no_arrow_where_nothing_comes_back(settings, t, missing):
    ledger = playgrounds.run_backward_walk(4, *settings).ledger
    full = playgrounds.run_backward_walk(4).ledger
    drawn, possible = (len(list(backward_arrows(walk, t))) for walk in (ledger, full))
    assert possible == 3 * (3 - t) + 2 - 2 * (t == 0) and possible - drawn == missing


@pytest.mark.parametrize(("t", "shown", "hidden"), [
    (4, ["will start at the last step"], ["dz_3"]),
    (3, ["dz_3", "0.1187", "nothing after"], ["dz_2", "0.2920"]),
    (2, ["dz_2", "0.2920", "0.0345"], ["dz_1", "0.1302"]),
    (1, ["dz_1", "0.1302", "0.1861", "sum so far"], ["0.0479"]),
    (0, ["Walk over", "0.1861", "0.0479", "gradient"], ["-0.0000", "sum so far"]),
])
def test_the_figure_shows_what_the_walk_knows(t, shown, hidden):
    figure = plots.backward_walk(playgrounds.run_backward_walk().ledger, t)
    text = words(figure)
    assert isinstance(figure, Figure)
    assert all(word in text for word in shown)
    assert not any(word in text for word in hidden)
    width, height = figure.get_size_inches() * figure.dpi
    assert width <= 900 and height <= 700


def test_the_numbers_are_drawn_where_they_belong():
    canvas = FigureCanvasAgg(plots.backward_walk(playgrounds.run_backward_walk().ledger, 2))
    canvas.draw()
    red, green, blue = (np.asarray(canvas.buffer_rgba())[..., i].astype(int) for i in range(3))
    vermillion = (red > 180) & (green < 140) & (blue < 90)
    assert vermillion[400:, 675:790].sum() > 300  # the column of the sums
    assert not vermillion[400:, 90:270].any()    # step 1 has added nothing yet


@pytest.mark.parametrize("T", [1, 2])
def test_the_figure_draws_other_lengths(T):
    model = RNN(1, 2, 1, seed=0)
    X = np.ones((T, 1, 1))
    dY = np.ones_like(model.forward(X))
    figure = plots.backward_walk(walk_back(model.params, X, model.hidden_states, dY), 1)
    assert f"dz_{T}" in words(figure)


def test_panel_answers_every_control():
    panel = playgrounds.backward_walk_panel()
    assert repr(panel) == "Panel: walk back through time (steps back, error counted at, W_hh times)"
    for name, values in {"steps_back": [0, 4, 2], "error_at": [LAST_STEP], "recurrence": [0.0, 3.0]}.items():
        for value in values:
            before = panel.summary
            panel.controls[name].value = value
            assert panel.summary != before
            assert "Error:" not in panel.summary


def test_shortened_formulas():
    cosines = np.linspace(1, 0, 12).reshape(3, 4)
    figure = plots.shortened_formulas([2, 3, 4], {"first": cosines, "second": cosines / 2})
    assert {"first", "second"} <= {text.get_text() for text in figure.axes[0].texts}


def test_the_table_shows_each_line_and_its_numbers():
    ledger = playgrounds.run_backward_walk().ledger
    source = "def step():\n    carry = dz_next @ W_hh\n    dW_xh = dz_t.T @ x_t\n"
    rows = playgrounds.walk_table(ledger, {"carry": "c", "dW_xh": "w"}, source).splitlines()
    assert len(rows) == 4 and rows[0].count("|") == 8
    assert rows[2].startswith("| $c$ | `carry = dz_next @ W_hh` | (1, 2) | $") and rows[2].endswith("$ |  |")
    assert rows[3].endswith(r"$\begin{bmatrix} 0.1575 \\ 0.0250 \end{bmatrix}$ |") and "-0.0000" not in "".join(rows)
