"""The panel of notebook 09, and its figures."""

import numpy as np
import pytest

from rnn_lib import playgrounds, plots
from rnn_lib.playgrounds.gates import KNOWN, LONGEST, UPDATES, H


@pytest.fixture(scope="module")
def runs():
    return {bias: playgrounds.train_recall("LSTM", lag=20, forget_bias=bias) for bias in (0.0, 3.0)}


def test_an_open_gate_learns_and_a_closed_one_does_not(runs):
    assert runs[3.0].accuracy[20] > 0.7 > 0.4 > runs[0.0].accuracy[20]
    assert runs[3.0].shown.mean() > runs[0.0].shown.mean()


def test_the_run_says_what_it_shows(runs):
    run = runs[3.0]
    assert len(run.loss) <= UPDATES and run.accuracy.shape == (LONGEST,) and run.shown.shape == (21, H)
    assert "LSTM, lag 20, bias 3.0, rate 0.02" in run.summary and len(run.summary) <= 130
    figure = playgrounds.draw_recall(run, ghosts=[runs[0.0]])
    assert figure.sentence == f"{run.summary} Earlier runs beside it: {runs[0.0].label}."


def test_a_network_without_gates_shows_its_states_and_has_no_bias():
    run = playgrounds.train_recall("RNN, orthogonal", lag=5, forget_bias=6.0, lr=0.005, epochs=20)
    other = playgrounds.train_recall("RNN, orthogonal", lag=5, forget_bias=-2.0, lr=0.005, epochs=20)
    assert run.gate == "" and "bias" not in run.label and run.shown.min() < 0
    np.testing.assert_array_equal(run.accuracy, other.accuracy)
    assert playgrounds.draw_recall(run)


@pytest.mark.parametrize(("settings", "advice"), [
    ({"forget_bias": -2.0}, "try a larger forget bias."), ({"lr": 0.1}, "try a smaller learning rate."),
    ({}, "try a shorter lag."), ({"model": "RNN", "forget_bias": -2.0}, "try a shorter lag."),
])
def test_a_run_that_learned_nothing_says_so_and_what_to_try(settings, advice):
    run = playgrounds.train_recall(**{"lag": 30, "epochs": 3, **settings})
    run.accuracy = np.full(LONGEST, 0.27)
    assert run.summary.endswith(f"27% right at this lag, no better than guessing; {advice}") and len(run.summary) <= 130


def test_divergence_is_said():
    run = playgrounds.train_recall("RNN", lag=3, lr=1e39, epochs=20)
    assert "diverged" in run.summary and playgrounds.draw_recall(run)


def test_training_ends_when_nothing_new_is_learned():
    run = playgrounds.train_recall("LSTM", lag=2)
    assert 20 <= len(run.loss) < UPDATES and np.mean(run.loss[-20:]) < KNOWN <= np.mean(run.loss[-21:-1])
    assert run.accuracy[2:].min() > 0.95


def test_training_stops_when_it_is_told_to():
    seen = []
    run = playgrounds.train_recall("RNN", lag=3, on_epoch=lambda epoch, history: seen.append(epoch) or epoch == 4)
    assert seen == [0, 1, 2, 3, 4] and len(run.loss) == 5


# --- figures: what they say is computed from what they draw ----------------------------------------------------------


def test_registers_say_how_many_steps_are_right():
    figure = plots.registers([0, 1, 0], {"one": [0, 1, 0], "two": [0, 0.5, 2]}, "Two registers")
    assert "one, 3; two, 1" in figure.sentence


def test_recall_names_those_that_always_learn():
    shares = {"steady": {10: [1, 0.97], 30: [0.96]}, "lucky": {10: [1.0, 0.3]}}
    assert "steady at 10 and 30." in plots.recall(shares, "Recall").sentence
    assert "nowhere" in plots.recall({"lucky": shares["lucky"]}, "Recall").sentence


def test_by_length_names_those_that_hold_around_the_length():
    lengths = np.arange(1, 21)
    clock, memory = np.where(lengths == 10, 1.0, 0.0), np.where(lengths > 6, 1.0, 0.2)
    figure = plots.by_length(lengths, {"clock": [clock], "memory": [memory, memory]}, 10, "Asked")
    assert "above 90 per cent: memory." in figure.sentence
    assert "none of them" in plots.by_length(lengths, {"clock": [memory, clock]}, 10, "Asked").sentence


def test_planes_say_who_moves():
    corners = np.array([[1, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0]], float)
    turning = np.stack([np.roll(corners, t, axis=0) for t in range(8)])  # (8, 4, 3)
    standing = np.stack([corners + 0.01 * t for t in range(8)])
    sentence = plots.planes({"turning": turning, "standing": standing}, "States").sentence
    assert "turning, a large part" in sentence and "standing, a small part" in sentence


def test_gate_maps_stand_in_the_order_of_the_first():
    first = np.array([[0.1, 0.9, 0.5]] * 8)
    figure = plots.gate_map({"f": first, "i": 1 - first}, "Two gates of three starts", rows="start")
    assert figure.axes[0].get_ylabel() == "start"
    for axis, expected in zip(figure.axes, ([0.9, 0.5, 0.1], [0.1, 0.5, 0.9]), strict=False):
        np.testing.assert_allclose(np.asarray(axis.images[0].get_array())[:, 0], expected)
