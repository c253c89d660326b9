"""The sine panel: its plain functions at ordinary settings and at both ends of each slider, and the panel itself."""

import itertools

import numpy as np
import pytest

from rnn_lib import playgrounds
from rnn_lib.playgrounds.sine import LENGTH, WARM_UP

EXTREMES = list(itertools.product((1, 64), (1e-4, 1.0), ("Adam", "SGD", "SGD with momentum")))


def words(figure):
    return " ".join(text.get_text() for axis in figure.axes for text in axis.texts)


def test_a_good_run():
    run = playgrounds.train_sine()
    assert run.summary == "H 16, lr 0.01, Adam, 200 epochs: loss 0.0025; MSE teacher-forced 0.0000, free 0.0003."
    assert len(run.loss) == 200 and not run.diverged
    assert run.target.shape == run.teacher_forced.shape == run.free_running.shape == (LENGTH,)
    assert run.states.shape == (LENGTH, 16)
    assert np.abs(run.teacher_forced[:WARM_UP] - run.free_running[:WARM_UP]).max() < 1e-12
    assert not np.array_equal(run.teacher_forced, run.free_running)


def test_the_errors_are_those_of_the_curves():
    run = playgrounds.train_sine(hidden_size=4, epochs=50)
    assert run.teacher_forced_mse == pytest.approx(((run.teacher_forced - run.target)[WARM_UP:] ** 2).mean())
    assert run.free_running_mse == pytest.approx(((run.free_running - run.target)[WARM_UP:] ** 2).mean())


def test_the_same_settings_give_the_same_run():
    first, second = playgrounds.train_sine(8, 0.02), playgrounds.train_sine(8, 0.02)
    assert first.loss == second.loss and np.array_equal(first.states, second.states)


@pytest.mark.parametrize(("hidden_size", "lr", "optimiser"), EXTREMES)
def test_both_ends_of_the_sliders(hidden_size, lr, optimiser):
    run = playgrounds.train_sine(hidden_size, lr, optimiser, epochs=50)
    assert len(run.summary) <= 96 or run.free_running_mse > 100  # else the line breaks and the picture jumps
    assert run.diverged or np.isfinite([run.free_running_mse, run.teacher_forced_mse]).all()
    figure = playgrounds.draw_sine(run, ghosts=[run])
    figure.canvas.draw()
    assert ("diverged in epoch" in words(figure)) == bool(run.diverged)


def test_a_diverged_run_says_when():
    run = playgrounds.train_sine(hidden_size=16, lr=1.0, optimiser="SGD")
    assert run.diverged == f"diverged in epoch {len(run.loss)}"
    assert run.diverged in run.summary and "smaller learning rate" in run.summary
    assert run.states is None and run.free_running is None


@pytest.mark.parametrize(("settings", "advice"), [
    ({"hidden_size": 64, "lr": 1.0}, "lower the lr."), ({"hidden_size": 1, "lr": 1.0}, "lower the lr."),
    ({"lr": 0.0001}, "raise lr or epochs."), ({"hidden_size": 1, "lr": 0.0001}, "raise lr or epochs."),
    ({"hidden_size": 1}, "raise lr or epochs."), ({"lr": 0.0001, "optimiser": "SGD"}, "raise lr or epochs."),
])
def test_a_run_that_learned_nothing_says_so_and_what_to_try(settings, advice):
    assert playgrounds.train_sine(**settings).summary.endswith(f"worse than the last value; {advice}")


def test_a_loss_that_leaves_the_axis_is_marked():
    assert "▲ up to" in words(playgrounds.draw_sine(playgrounds.train_sine(hidden_size=64, lr=1.0)))
    assert "▲" not in words(playgrounds.draw_sine(playgrounds.train_sine(epochs=50)))


def test_the_picture_keeps_its_size():
    good, bad = playgrounds.train_sine(epochs=50), playgrounds.train_sine(lr=1.0, optimiser="SGD", epochs=50)
    for run, ghosts in itertools.product((good, bad), ((), [good, bad, good])):
        assert tuple(playgrounds.draw_sine(run, ghosts).get_size_inches()) == (9.0, 5.4)


def test_every_ghost_is_in_the_legend():
    runs = [playgrounds.train_sine(H, epochs=50) for H in (1, 2, 3, 4)]
    texts = [text.get_text() for text in playgrounds.draw_sine(runs[-1], ghosts=runs[:-1]).axes[0].texts]
    assert "\n".join([*(run.label for run in runs), "always the last value"]) in texts


def test_on_epoch_is_passed_on():
    seen = []
    playgrounds.train_sine(2, epochs=50, on_epoch=lambda epoch, history: seen.append(epoch))
    assert seen == list(range(50))


def test_unknown_optimiser():
    with pytest.raises(ValueError, match="optimiser: expected one of 'Adam', .*, got 'RMSprop'"):
        playgrounds.train_sine(optimiser="RMSprop")


def test_panel():
    panel = playgrounds.sine_panel()
    assert repr(panel) == "Panel: sine wave (hidden size, learning rate, optimiser, epochs)"
    before = panel.picture.children[0].value
    panel.controls["hidden_size"].value = 2
    assert panel.picture.children[0].value != before and "H 2" in panel.summary
    panel.controls["optimiser"].value = "SGD"
    panel.controls["lr"].value = 1.0
    assert "diverged in epoch" in panel.summary
