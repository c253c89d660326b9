"""The free run, and the figures of series, forecasts and losses."""

from types import SimpleNamespace

import numpy as np
import pytest
from oracles import RECURRENT

from rnn_lib import MLP, RNN, plots
from rnn_lib.generate import free_run
from rnn_lib.training import History


@pytest.fixture(params=RECURRENT)
def model(request):
    return request.param(2, 5, 2, seed=3)


def test_each_output_is_the_next_input(model):
    warm_up = np.random.default_rng(0).normal(size=(6, 3, 2))
    forecast = free_run(model, warm_up, 7)
    assert forecast.shape == (7, 3, 2)
    outputs = model.forward(np.concatenate([warm_up, forecast[:-1]]))  # one pass over what was read
    assert np.abs(outputs[5:] - forecast).max() < 1e-12


def test_one_step_is_the_teacher_forced_forecast(model):
    warm_up = np.random.default_rng(1).normal(size=(4, 1, 2))
    assert np.array_equal(free_run(model, warm_up, 1), model.forward(warm_up)[-1:])


def test_the_warm_up_is_not_changed(model):
    warm_up = np.ones((4, 1, 2))
    free_run(model, warm_up, 5)
    assert (warm_up == 1).all()


def test_bad_input(model):
    with pytest.raises(ValueError, match="model: .* be fed back.*, got input size 1 and output size 2"):
        free_run(RNN(1, 4, 2), np.ones((3, 1, 1)), 2)
    with pytest.raises(ValueError, match=r"warm_up: expected shape \(T, B, 2\), got \(3, 2\)"):
        free_run(model, np.ones((3, 2)), 2)
    with pytest.raises(ValueError, match="n_steps: expected a whole number at least 1, got 0"):
        free_run(model, np.ones((3, 1, 2)), 0)
    with pytest.raises(TypeError, match="n_steps: expected a whole number"):
        free_run(model, np.ones((3, 1, 2)), 2.5)


def texts(figure):
    return [text.get_text() for axis in figure.axes for text in axis.texts]


def test_a_model_that_cannot_forecast_is_refused_at_once():
    with pytest.raises(TypeError, match="model: expected an object with forward, input_size, output_size, got "):
        free_run(SimpleNamespace(forward=None, output_size=1), np.ones((3, 1, 1)), 1)
    for n_steps in (1, 3):
        with pytest.raises(TypeError, match="model: expected an object with state, got MLP"):
            free_run(MLP(1, (3,), 1), np.ones((3, 1, 1)), n_steps)


def test_curves_are_labelled_where_they_end():
    x = np.arange(5)
    figure = plots.curves(x, {"rising": x, "falling": -x}, "Two curves", xlabel="x", ylabel="y")
    assert set(texts(figure)) == {"rising", "falling"}
    heights = {text.get_text(): text.xy[1] for text in figure.axes[0].texts}
    assert heights["rising"] > 0.9 and heights["falling"] < 0.1


def test_short_forecasts_end_with_the_target():
    target = np.arange(10.0)
    figure = plots.forecasts(target, {"RNN": np.zeros((4, 1, 1))}, "Title", {"naive": np.ones(6)}, warm_up=4)
    lines = {line.get_label(): line for line in figure.axes[0].lines}
    assert list(lines["RNN"].get_xdata()) == [7, 8, 9, 10] and list(lines["naive"].get_xdata()) == [5, 6, 7, 8, 9, 10]
    assert "warm-up" in texts(figure)


def test_loss_curves_say_which_run_diverged():
    histories = {"good": History(loss=[1.0, 0.1]), "bad": History(loss=[1.0, 10.0], message="diverged", diverged=True)}
    figure = plots.loss_curves(histories, baselines={"last value": 0.5})
    assert {"good", "bad (diverged)", "last value"} <= set(texts(figure))
    assert figure.axes[0].get_yscale() == "log"


def test_a_run_that_diverged_at_once_can_be_drawn():
    figure = plots.loss_curves({"good": History(loss=[1.0, 0.5]), "bad": History(message="diverged", diverged=True)})
    figure.canvas.draw()


def test_two_losses_of_a_run_that_diverged_at_once_can_be_drawn():
    histories = {"A": History(message="Training diverged in epoch 1."), "B": History([1.0, 0.5, 0.2])}
    figure = plots.two_losses(histories, "title")
    assert "A: diverged in epoch 1" in [text.get_text() for text in figure.axes[0].texts]


def test_other_figures_can_be_drawn():
    x = np.arange(8.0)
    histories = {"lr 1": History(loss=[1.0, 0.5])}
    for figure in (
        plots.windows_on_timeline(x, length=3, stride=2),
        plots.stacked_series(x, {"level": x, "change": np.diff(x)}, "Two"),
        plots.loss_grid({"2 units": histories, "8 units": histories}, "Grid"),
    ):
        figure.canvas.draw()
        width, _ = figure.get_size_inches()
        assert width <= 9
        assert not any(axis.get_legend().get_frame_on() for axis in figure.axes if axis.get_legend())
