"""The bug clinic: what its panel and notebook 05 rely on."""

from functools import cache

import numpy as np
import pytest

from rnn_lib import playgrounds, plots
from rnn_lib.bugs import BUGS, examination
from rnn_lib.bugs.examination import final_loss
from rnn_lib.playgrounds import TASKS, draw_clinic

examine = cache(playgrounds.examine)  # what was trained once is not trained again
SINE, RECALL_1, RECALL_3, RECALL, RECALL_SGD = TASKS


@pytest.mark.parametrize("task", TASKS)
def test_the_right_network_learns_every_task(task):
    history, halfway = examination.healthy(task)
    assert final_loss(history) < history.loss[0] / 10
    chosen = TASKS[task](0)
    model = chosen.model()
    model.set_params(halfway)
    (batch,) = chosen.batches(examination.EPOCHS // 2)
    loss, _ = chosen.loss_fn(model.forward(batch.X), batch.target)
    assert loss == pytest.approx(history.loss[examination.EPOCHS // 2], rel=1e-9)


@pytest.mark.parametrize("task", TASKS)
def test_task_gradients_are_derivatives_of_its_loss(task):
    chosen = TASKS[task](0)
    model = chosen.model()
    grads = chosen.gradients(model)
    (batch,) = chosen.batches(examination.EPOCHS)
    name, index, step = "W_hh", (0, 1), 1e-6
    losses = []
    for shift in (step, -2 * step):
        model.params[name][index] += shift
        losses.append(chosen.loss_fn(model.forward(batch.X), batch.target)[0])
    assert (losses[0] - losses[1]) / (2 * step) == pytest.approx(grads[name][index], rel=1e-5)


def test_recall_counts_only_what_can_be_known():
    chosen = TASKS[RECALL](0)
    (batch,) = chosen.batches(0)
    symbols = batch.X.argmax(axis=-1)
    np.testing.assert_array_equal(batch.target[5:], symbols[:-5])
    _, dY = chosen.loss_fn(chosen.model().forward(batch.X), batch.target)
    assert not dY[:5].any() and dY[5:].all()


def test_every_epoch_of_recall_brings_new_sequences_and_every_seed_others():
    batches = [batch.X for seed in (0, 1) for epoch in (0, 1) for batch in TASKS[RECALL](seed).batches(epoch)]
    assert len({X.tobytes() for X in batches}) == 4
    (again,) = TASKS[RECALL](0).batches(0)
    np.testing.assert_array_equal(again.X, batches[0])


def test_patient_and_right_network_start_from_the_same_weights_and_data():
    exam = examine("carry_missing", SINE)
    assert exam.right.loss[0] == exam.wrong.loss[0]
    assert exam.right.loss[1] != exam.wrong.loss[1]
    assert examine("carry_missing", SINE, seed=1).right.loss[0] != exam.right.loss[0]


def test_hiding_and_failing_are_told_apart():
    assert examine("double_tanh", SINE).hides and not examine("double_tanh", SINE).fails
    assert examine("double_tanh", RECALL).fails and not examine("double_tanh", RECALL).hides
    assert "hides" in draw_clinic(examine("double_tanh", SINE)).get_suptitle()
    assert "shows itself" in draw_clinic(examine("double_tanh", RECALL)).get_suptitle()


@pytest.mark.parametrize("task", [SINE, RECALL_1, RECALL_3])
def test_the_right_lstm_learns_the_tasks_of_its_patients(task):
    history, _ = examination.healthy(task, network="LSTM")
    assert final_loss(history) < history.loss[0] / 10


@pytest.mark.parametrize(("bug", "easy"), [
    ("output_gate_missing", RECALL_1), ("cell_carry_missing", RECALL_1), ("forget_gate_missing", SINE),
])
@pytest.mark.parametrize("seed", range(3))
def test_patients_of_the_lstm_hide_and_then_show(bug, easy, seed):
    assert examine(bug, easy, seed, network="LSTM").hides
    assert examine(bug, RECALL_3, seed, network="LSTM").fails


def test_patient_and_right_lstm_start_from_the_same_weights_and_the_angles_tell_what_is_ill():
    exam = examine("cell_off_by_one", SINE, network="LSTM")
    assert exam.right.loss[0] == exam.wrong.loss[0] and exam.right.loss[1] != exam.wrong.loss[1]
    for angles in exam.angles.values():
        assert angles["W_hy"] == pytest.approx((1, 1)) and angles["b_y"] == pytest.approx((1, 1))
        assert angles["W_hh"][0] < 0.9999
    assert "cell_off_by_one hides" in draw_clinic(exam).get_suptitle()


@pytest.mark.parametrize(
    ("bug", "untouched"),
    [
        ("carry_missing", {"W_hy", "b_y"}),
        ("state_off_by_one", {"W_xh", "b_h", "W_hy", "b_y"}),
        ("b_h_missing", {"W_hh"}),
    ],
)
def test_angles_tell_healthy_parameters_from_ill_ones(bug, untouched):
    for angles in examine(bug, SINE).angles.values():
        for name in untouched:
            assert angles[name] == pytest.approx((1, 1))
    if bug == "b_h_missing":
        assert angles["b_h"] == (0, 0)
    else:
        assert angles["W_hh"][0] < 0.999


def test_what_survives_a_call_shows_in_the_angles():
    assert examine("not_zeroed", SINE).angles["before training"]["W_hh"] == pytest.approx((1, 2))


def test_own_cosine_is_that_of_the_whole_gradient_at_the_patients_own_weights():
    exam, chosen = examine("double_tanh", SINE), TASKS[SINE](0)
    patient = chosen.model("double_tanh")
    examination.train(chosen, patient)
    one, other = (np.concatenate([g.ravel() for g in chosen.gradients(model).values()])
                  for model in (patient, chosen.model().set_params(patient.params)))
    assert list(exam.own) == list(examination.MOMENTS)
    assert exam.own[examination.EPOCHS] == pytest.approx(one @ other / np.linalg.norm(one) / np.linalg.norm(other))
    assert all(cosine == pytest.approx(1) for cosine in examine("scale", SINE).own.values())


@pytest.mark.parametrize("bug", BUGS)
def test_every_bug_can_be_examined_and_drawn(bug):
    exam = examine(bug, SINE)
    assert np.isfinite(list(exam.own.values())).all()
    assert bug in exam.summary
    assert np.isfinite(exam.right.loss).all()
    draw_clinic(exam).canvas.draw()


def test_symptoms_and_careers_draw_every_task():
    exams = [examine("carry_missing", task) for task in (SINE, RECALL_SGD)]
    (axis,) = plots.symptoms(exams, "title").axes
    widths = [bar.get_width() for bar in axis.patches]
    cosines = [cosine for exam in exams for cosine, _ in exam.angles["half way"].values()]
    np.testing.assert_allclose(widths, cosines)
    axes = plots.careers(exams, "title").axes
    assert [axis.get_title(loc="left") for axis in axes] == [SINE, RECALL_SGD]
    for axis, exam in zip(axes, exams, strict=True):
        right, wrong = axis.lines
        np.testing.assert_array_equal(right.get_ydata(), exam.right.loss)
        np.testing.assert_array_equal(wrong.get_ydata(), exam.wrong.loss)


def test_training_reports_its_progress():
    epochs = []
    examine("scale", SINE, on_epoch=lambda epoch, history: epochs.append(epoch))
    assert epochs == list(range(examination.EPOCHS))


@pytest.mark.parametrize(("bug", "task", "named"), [("no_such_bug", SINE, "bug"), ("scale", "no such task", "task")])
def test_unknown_names_are_refused(bug, task, named):
    with pytest.raises(ValueError, match=f"^{named}: expected one of .*got 'no"):
        examine(bug, task)


def test_a_bug_of_another_network_is_refused():
    with pytest.raises(ValueError, match=r"^bug: expected one of .*got 'double_tanh'"):
        examine("double_tanh", SINE, network="LSTM")
    with pytest.raises(ValueError, match=r"^network: expected one of .*got 'GRU'"):
        examine("scale", SINE, network="GRU")
