"""The classification panel's two plain functions, and the figures of notebook 07."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from rnn_lib import data, playgrounds, plots
from rnn_lib.playgrounds.classification import ERRORS, LOSSES, TASKS, make_task


def test_the_rnn_names_the_first_symbol_and_the_memoryless_network_does_not():
    run = playgrounds.train_classifier()
    assert run.accuracy > 0.98
    assert abs(run.task.memoryless - 0.25) < 0.05
    assert run.probabilities.shape == (10, 4) and run.probabilities.sum(axis=1) == pytest.approx(np.ones(10), abs=1e-5)


def test_parity_needs_an_error_at_every_step():
    last, every = (playgrounds.train_classifier(task="parity", lr=0.02, error_at=error_at) for error_at in ERRORS)
    assert every.accuracy > 0.85 and last.accuracy < 0.65


def test_the_digits_are_learned_while_one_waits():
    run = playgrounds.train_classifier(task="digits", hidden_size=32)
    assert run.accuracy > 0.9 > run.task.memoryless
    assert run.image.shape == (8, 8)


def test_fewer_rows_of_a_digit_are_a_harder_task():
    few = playgrounds.train_classifier(task="digits", hidden_size=32, length=3)
    assert few.probabilities.shape == (3, 10) and few.accuracy < 0.8


def test_a_digit_has_no_more_than_eight_rows():
    eight, twenty = (playgrounds.train_classifier("digits", length=length, epochs=1) for length in (8, 20))
    assert eight.task is twenty.task and eight.label == twenty.label


def test_the_same_settings_give_the_same_run():
    a, b = playgrounds.train_classifier(hidden_size=5), playgrounds.train_classifier(hidden_size=5)
    assert a.loss == b.loss and a.summary == b.summary and (a.probabilities == b.probabilities).all()


@pytest.mark.parametrize(
    "settings",
    [{"task": "parity"}, {"task": "parity", "length": 2},
     {"task": "digits", "length": 2, "loss": LOSSES[1], "error_at": ERRORS[1]}],
    ids=str,
)
def test_settings_that_no_single_control_reaches_have_a_picture_and_a_summary_of_their_own(settings):
    """The ends of each control by itself are in test_panel.py."""
    default = playgrounds.train_classifier()
    run = playgrounds.train_classifier(**settings)
    assert run.summary != default.summary and len(run.summary) < 140
    figure = playgrounds.draw_classifier(run, ghosts=[default])
    figure.canvas.draw()
    assert tuple(figure.get_size_inches()) == (9, 5.2)


def test_a_run_that_diverged_is_drawn_and_says_so():
    run = playgrounds.train_classifier()
    run.diverged, run.probabilities = "training diverged in epoch 3. Try a smaller learning rate.", None
    run.loss = run.loss[:2]
    assert "diverged in epoch 3" in run.summary
    playgrounds.draw_classifier(run, ghosts=[run, run]).canvas.draw()


@pytest.mark.parametrize(("settings", "advice"), [
    ({"task": "parity"}, "try the error at every step."), ({"lr": 1.0}, "try a smaller learning rate."),
    ({"lr": 0.0001}, "try a larger learning rate."), ({"hidden_size": 1}, "try more units."),
])
def test_a_run_that_learned_nothing_says_so_and_what_to_try(settings, advice):
    run = playgrounds.train_classifier(**settings, epochs=1)
    run.accuracy = run.task.chance
    assert run.summary.endswith(f"no better than memoryless; {advice}") and len(run.summary) <= 130


def test_the_progress_is_reported():
    epochs = []
    playgrounds.train_classifier(epochs=3, on_epoch=lambda epoch, history: epochs.append(epoch))
    assert epochs == [0, 1, 2]


@pytest.mark.parametrize("name", ["task", "loss", "error_at"])
def test_an_unknown_choice_is_refused(name):
    with pytest.raises(ValueError, match=name):
        playgrounds.train_classifier(**{name: "other"})


def test_the_panel_answers_its_controls():
    panel = playgrounds.classification_panel()
    before = panel.picture.children[0].value
    panel.controls["length"].value = 3
    assert panel.picture.children[0].value != before and "first of 3" in panel.summary
    panel.controls["task"].value = "digits"
    assert "digits, 3 of 8 rows" in panel.summary and len(panel.ghosts) == 2
    assert repr(panel) == "Panel: classification (task, hidden size, learning rate, length, loss, error at)"


@pytest.mark.parametrize("name", TASKS)
def test_the_label_of_every_step_fits_the_data(name):
    task = make_task(name, 6)
    assert task.X.shape[:2] == task.labels.shape and task.X_test.shape[:2] == task.labels_test.shape
    assert len(task.steps) == 6 and task.labels.max() == len(task.classes) - 1
    assert 0 < task.chance < 0.65


def test_the_most_frequent_class_is_chosen_without_a_look_at_the_test():
    task = make_task("digits", 8)
    assert task.chance == pytest.approx(np.mean(task.labels_test[-1] == np.bincount(task.labels[-1]).argmax()))
    assert task.chance < np.bincount(task.labels_test[-1]).max() / 360 - 0.01


def test_the_figures_of_the_notebook():
    X, labels, _, _ = data.load_digits()
    p = np.full((8, 10), 0.1)
    for figure in (
        plots.class_probabilities(p, 3, "title"), plots.class_probabilities(p, labels[:8], "title", image=X[:, 0]),
        plots.digit_as_sequence(X[:, 0], "title"), plots.digit_images(X[:, :4], [*"abcd"], "title"),
        plots.confusion_matrix(np.diag([3, 4, 0]), "title"), plots.confusion_matrix(np.ones((3, 3), int), "title"),
    ):
        assert isinstance(figure, Figure)
        figure.canvas.draw()
        assert figure.get_size_inches()[0] <= 9
