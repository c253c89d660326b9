"""fit and fit_stream: batches, order, clipping, stopping, divergence, the progress bar."""

import concurrent.futures
import functools
import itertools
import os
import signal
import subprocess
import sys
import warnings

import numpy as np
import pytest
from oracles import RECURRENT, gradients, parts, recurrent_problem, rnn_problem
from threadpoolctl import threadpool_info, threadpool_limits
from tqdm.notebook import tqdm as tqdm_notebook

from rnn_lib import MLP, RNN
from rnn_lib.bugs import BuggyRNN
from rnn_lib.bugs.rnn.carry import truncated_in_blocks
from rnn_lib.ground.memory import keep_freed_memory
from rnn_lib.losses import cross_entropy_loss, last_step, mse_loss, softmax_mse_loss
from rnn_lib.optim import SGD, Adam, clip_grad_norm, grad_norm
from rnn_lib.training import Batch, History, fit, fit_stream, train


class Recorder:
    """A model that records the batches it is given; X[t, b, 0] is the number of sequence b, so is the target."""

    def __init__(self):
        self.params = {"w": np.zeros(1)}
        self.batches = []

    def forward(self, X):
        self.batches.append(X[..., 0].reshape(-1, X.shape[-2])[0].astype(int).tolist())
        return X

    def backward(self, dY):
        return {"w": np.ones(1)}


def must_match(Y, target):
    """A loss that is the mean of Y, and fails if sequences and targets were not picked together."""
    np.testing.assert_array_equal(Y.reshape(-1, Y.shape[-2])[-1], target if target.ndim == 1 else target[-1])
    return float(Y.mean()), np.zeros_like(Y)


def batches_of(B=7, target=None, T=3, **settings):
    model = Recorder()
    X = np.broadcast_to(np.arange(B)[:, None], (T, B, 1)).astype(float)
    target = np.arange(B) if target is None else target
    history = fit(model, X, target, SGD(model.params, lr=1e-3), loss_fn=must_match, verbose=False, **settings)
    return model.batches, history


def test_without_a_batch_size_every_step_takes_all_in_the_order_given():
    batches, history = batches_of(epochs=3)
    assert batches == [list(range(7))] * 3
    assert history.loss == [3.0] * 3


def test_a_batch_size_of_all_keeps_the_order_too():
    assert batches_of(epochs=2, batch_size=7)[0] == [list(range(7))] * 2


@pytest.mark.parametrize("batch_size", [1, 2, 3, 6])
def test_batches_cover_every_sequence_once_an_epoch(batch_size):
    batches, history = batches_of(epochs=4, batch_size=batch_size, seed=1)
    per_epoch = -(-7 // batch_size)
    assert len(batches) == 4 * per_epoch
    orders = [sum(batches[k * per_epoch : (k + 1) * per_epoch], []) for k in range(4)]
    assert all(sorted(order) == list(range(7)) for order in orders)
    assert len(set(map(tuple, orders))) > 1, "each epoch has an order of its own"
    assert all(len(batch) <= batch_size for batch in batches)
    assert history.loss == pytest.approx([3.0] * 4, rel=1e-12), "the mean over sequences, whatever the batches"


def test_the_seed_decides_the_order():
    first, again, other = (batches_of(epochs=3, batch_size=2, seed=seed)[0] for seed in (4, 4, 5))
    assert first == again != other
    assert batches_of(epochs=3, batch_size=2)[0] == batches_of(epochs=3, batch_size=2, seed=0)[0]


def test_a_target_for_each_step_and_a_target_for_each_sequence():
    per_step = np.broadcast_to(np.arange(7), (3, 7))
    for target in (per_step, np.arange(7)):
        assert len(batches_of(target=target, epochs=1, batch_size=2)[0]) == 4


def test_data_without_time():
    model = Recorder()
    X = np.arange(5.0)[:, None]
    fit(model, X, np.arange(5), SGD(model.params, lr=1), loss_fn=must_match, epochs=2, batch_size=2, verbose=False)
    assert sorted(sum(model.batches[:3], [])) == list(range(5))


def test_one_epoch_is_one_step_of_the_optimiser_a_batch():
    model, X, target, _ = rnn_problem()
    twin, *_ = rnn_problem()
    history = fit(model, X, target, SGD(model.params, lr=0.1, momentum=0.5), epochs=3, verbose=False)
    optimizer = SGD(twin.params, lr=0.1, momentum=0.5)
    for epoch in range(3):
        loss, grads = gradients(twin, X, target)
        assert history.loss[epoch] == loss
        assert history.grad_norm[epoch] == pytest.approx(grad_norm(grads), rel=1e-15)
        optimizer.step(grads)
    for name, p in twin.params.items():
        np.testing.assert_array_equal(model.params[name], p)


def test_clipping_happens_before_the_step_and_the_history_has_the_norm_before_it():
    model, X, target, _ = rnn_problem()
    twin, *_ = rnn_problem()
    history = fit(model, X, target, SGD(model.params, lr=0.1), epochs=2, clip_norm=0.3, verbose=False)
    for epoch in range(2):
        _, grads = gradients(twin, X, target)
        assert history.grad_norm[epoch] == clip_grad_norm(grads, 0.3) > 0.3
        SGD(twin.params, lr=0.1).step(grads)
    for name, p in twin.params.items():
        np.testing.assert_array_equal(model.params[name], p)


def test_the_history_has_the_largest_norm_of_the_epochs_batches():
    model, X, target, _ = rnn_problem(B=4)
    X[:, 1:], target[:, 1:] = 0, 0
    for p in model.params.values():
        p *= 0.1
    norms = []
    for b in range(4):
        norms.append(grad_norm(gradients(model, X[:, b : b + 1], target[:, b : b + 1])[1]))
    history = fit(model, X, target, SGD(model.params, lr=1e-12), epochs=1, batch_size=1, verbose=False)
    assert history.grad_norm == pytest.approx([max(norms)], rel=1e-6)


def test_history_is_one_number_an_epoch():
    _, history = batches_of(epochs=5, batch_size=3)
    assert len(history.loss) == len(history.grad_norm) == 5
    assert all(type(number) is float for number in history.loss + history.grad_norm)
    assert history.message == "" and history.diverged is False
    assert History().loss == []


def test_it_runs_100_epochs_unless_told():
    assert len(batches_of()[1].loss) == 100


def test_on_epoch_is_called_after_every_epoch_and_can_stop():
    seen = []

    def on_epoch(epoch, history):
        seen.append((epoch, len(history.loss), len(history.grad_norm)))
        return epoch == 2

    _, history = batches_of(epochs=10, on_epoch=on_epoch)
    assert seen == [(0, 1, 1), (1, 2, 2), (2, 3, 3)]
    assert len(history.loss) == 3 and not history.diverged


def test_float32_models_train_in_float32():
    model, X, target, _ = rnn_problem(dtype=np.float32)
    history = fit(model, X.astype(float), target.astype(float), Adam(model.params), epochs=3, verbose=False)
    assert history.loss[-1] < history.loss[0]
    assert {p.dtype for p in model.params.values()} == {np.dtype(np.float32)}


def test_it_learns():
    rng = np.random.default_rng(0)
    X = rng.integers(2, size=(4, 32, 1)).astype(float)
    model = RNN(1, 8, 2)
    history = fit(model, X, X[0, :, 0].astype(int), Adam(model.params, lr=0.02), loss_fn=last_step(cross_entropy_loss),
                  epochs=60, batch_size=8, verbose=False)
    assert history.loss[0] > 0.5 and history.loss[-1] < 0.01
    mlp = MLP(2, (8,), 1, activation="tanh")
    points = rng.normal(size=(64, 2))
    history = fit(mlp, points, points[:, :1] * points[:, 1:], Adam(mlp.params, lr=0.02), epochs=200, batch_size=16,
                  verbose=False)
    assert history.loss[-1] < 0.1 * history.loss[0]


# --- divergence -----------------------------------------------------------------------------------------------------

def diverging(dtype=np.float64, lr=None, optimizer=SGD, **settings):
    model, X, target, _ = rnn_problem(dtype=dtype)
    lr = lr or (1e200 if dtype == np.float64 else 1e30)
    start = {name: p.copy() for name, p in model.params.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        history = fit(model, X, target, optimizer(model.params, lr=lr), **settings)
    return model, start, history, (X, target)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_divergence_is_reported_not_raised_and_the_last_finite_parameters_come_back(dtype, capsys):
    model, start, history, data = diverging(dtype, epochs=10)
    message = "Training diverged: the loss or its gradient is no longer finite in epoch 2."
    assert history.diverged and history.message == message
    assert len(history.loss) == len(history.grad_norm) == 1
    captured = capsys.readouterr()
    assert captured.out == message + "\n" and captured.err == ""
    for name, p in model.params.items():
        np.testing.assert_array_equal(p, start[name])
    assert gradients(model, *data)[0] == history.loss[0]


def test_divergence_in_the_middle_of_an_epoch_gives_back_the_last_batchs_parameters():
    class Bomb(Recorder):
        def forward(self, X):
            super().forward(X)
            return X * (np.nan if len(self.batches) == 6 else 1)

    model, X = Bomb(), np.ones((2, 4, 1))
    history = fit(model, X, np.zeros(4), SGD(model.params, lr=1.0), loss_fn=lambda Y, target: (Y.mean(), Y),
                  batch_size=1, epochs=10, verbose=False)
    assert model.params["w"] == -4, "the parameters with which the loss was last seen to be finite"
    assert len(history.loss) == 1 and "in epoch 2" in history.message


@pytest.mark.parametrize("broken", ["loss", "dY", "grads"])
def test_whatever_is_not_finite_stops_the_training_before_the_update(broken):
    class Model(Recorder):
        def backward(self, dY):
            return {"w": np.array([np.inf if broken == "grads" else 1.0])}

    def loss_fn(Y, target):
        return np.subtract(np.inf, np.inf) if broken == "loss" else 1.0, Y * (np.inf if broken == "dY" else 1)

    model = Model()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        history = fit(model, np.ones((2, 4, 1)), np.zeros(4), SGD(model.params, lr=1.0), loss_fn=loss_fn, verbose=False)
    assert history.diverged and history.loss == [] and model.params["w"] == 0


def test_parameters_that_overflow_in_the_very_last_update_are_put_back():
    class Steep(Recorder):
        def backward(self, dY):
            return {"w": np.array([1e308])}

    model = Steep()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        history = fit(model, np.ones((2, 4, 1)), np.zeros(4), SGD(model.params, lr=10.0), epochs=1, verbose=False,
                      loss_fn=lambda Y, target: (1.0, Y))
    assert history.message == "Training diverged: the parameters are no longer finite in epoch 1."
    assert history.loss == [1.0] and model.params["w"] == 0


def test_gradients_whose_squares_overflow_are_clipped_quietly():
    model, X, target, _ = rnn_problem()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for optimizer in (SGD(model.params, lr=0.01), Adam(model.params)):
            history = fit(model, X, 1e152 * target, optimizer, epochs=2, clip_norm=1.0, verbose=False)
    assert not history.diverged and history.grad_norm[0] > 1e150
    assert all(np.abs(p).max() < 10 for p in model.params.values())


def test_verbose_false_writes_nothing(capsys):
    diverging(epochs=5, verbose=False)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("batch_size", [None, 6])
def test_all_sequences_at_once_come_in_the_order_given(batch_size):
    model, X, seen = RNN(1, 2, 1), np.ones((3, 6, 1)), []

    def loss_fn(Y, target):
        seen.append(target)
        return mse_loss(Y, target)

    target = np.random.default_rng(0).normal(size=(3, 6, 1))
    fit(model, X, target, SGD(model.params, lr=0.1), loss_fn=loss_fn, epochs=2, batch_size=batch_size, verbose=False)
    assert len(seen) == 2 and all(np.array_equal(came, target) for came in seen)


# --- the progress bar -----------------------------------------------------------------------------------------------

def test_short_work_shows_no_bar(capsys):
    model, X, target, _ = rnn_problem()
    fit(model, X, target, SGD(model.params, lr=0.1), epochs=20)
    assert capsys.readouterr() == ("", "")


@pytest.fixture
def slow_clock(monkeypatch):
    """Every look at the clock finds that 0.3 seconds have passed."""
    ticks = itertools.count()
    monkeypatch.setattr("tqdm.std.time", lambda: 0.3 * next(ticks))
    monkeypatch.setattr("time.monotonic", lambda: 0.3 * next(ticks))


@pytest.mark.parametrize("stop", [20, 15])
def test_long_work_shows_a_bar_that_goes_away(stop, capsys, monkeypatch, slow_clock):
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    model, X, target, _ = rnn_problem()
    optimizer = SGD(model.params, lr=0.1)
    fit(model, X, target, optimizer, epochs=20, on_epoch=lambda epoch, history: epoch + 1 == stop)
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.startswith("\rTraining: ")
    assert "/20" in captured.err and "epoch" in captured.err
    assert captured.err.split("\r")[-1].strip() == "", "the finished bar is wiped out"


@pytest.mark.parametrize("stop", [20, 15])
def test_a_bar_in_a_notebook_goes_away(stop, monkeypatch, slow_clock):
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    bars = []
    monkeypatch.setattr("tqdm.auto.tqdm", lambda **options: bars.append(tqdm_notebook(**options)) or bars[0])
    model, X, target, _ = rnn_problem()
    optimizer = SGD(model.params, lr=0.1)
    fit(model, X, target, optimizer, epochs=20, on_epoch=lambda epoch, history: epoch + 1 == stop)
    (bar,) = bars
    assert bar.container.comm is None, "its widgets are closed"


def test_tqdm_disable_hides_it(capsys, monkeypatch, slow_clock):
    monkeypatch.setenv("TQDM_DISABLE", "1")
    model, X, target, _ = rnn_problem()
    fit(model, X, target, SGD(model.params, lr=0.1), epochs=20)
    assert capsys.readouterr() == ("", "")


def test_importing_rnn_lib_imports_neither_matplotlib_nor_ipywidgets():
    code = ("import sys, rnn_lib.training, rnn_lib.losses, rnn_lib.data, rnn_lib.gradcheck;"
            "late = 'matplotlib', 'ipywidgets', 'tqdm', 'torch', 'threadpoolctl';"
            "sys.exit(any(name in sys.modules for name in late))")
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_a_target_that_could_be_read_in_two_ways_is_refused():
    X, one_hot = np.random.default_rng(0).normal(size=(4, 4, 1)), np.eye(4)
    model = RNN(1, 2, 4)
    before = {name: p.copy() for name, p in model.params.items()}
    optimizer = SGD(model.params, lr=0.1)
    with pytest.raises(ValueError, match=r"^target: .*which axis is the batch, got \(4, 4\) with T = B = 4"):
        fit(model, X, one_hot, optimizer, loss_fn=last_step(softmax_mse_loss), epochs=1, batch_size=2, verbose=False)
    assert all(np.array_equal(before[name], p) for name, p in model.params.items())
    fit(model, X, one_hot, optimizer, loss_fn=last_step(softmax_mse_loss), epochs=1, verbose=False)
    fit(model, X, np.ones((4, 4), int), optimizer, loss_fn=cross_entropy_loss, epochs=1, batch_size=2, verbose=False)


# --- going on, stopping, and what is said ---------------------------------------------------------------------------

def test_seven_and_thirteen_epochs_are_twenty():
    settings = dict(batch_size=2, verbose=False, seed=3)
    (model, X, target, _), (twin, *_) = rnn_problem(B=7), rnn_problem(B=7)
    whole = fit(model, X, target, Adam(model.params, lr=0.01), epochs=20, **settings)
    optimizer = Adam(twin.params, lr=0.01)
    first = fit(twin, X, target, optimizer, epochs=7, **settings)
    second = fit(twin, X, target, optimizer, epochs=13, history=first, **settings)
    assert second is first and second.loss == whole.loss and second.step_loss == whole.step_loss
    for name, p in model.params.items():
        np.testing.assert_array_equal(twin.params[name], p)


def test_a_model_need_not_say_how_many_outputs_it_has():
    model = Recorder()
    history = fit(model, np.ones((3, 2, 1)), np.zeros((3, 2), int), SGD(model.params, lr=1e-3),
                  loss_fn=cross_entropy_loss, epochs=1, verbose=False)
    assert history.loss == [0.0]


def test_the_history_has_the_loss_of_every_update():
    _, history = batches_of(epochs=3, batch_size=3)
    assert len(history.step_loss) == 9
    assert history.loss[0] == pytest.approx(np.average(history.step_loss[:3], weights=[3, 3, 1]), rel=1e-12)


@pytest.mark.parametrize("optimizer", [SGD, Adam])
def test_after_divergence_the_same_optimiser_trains_again(optimizer):
    model, X, target, _ = rnn_problem()
    opt = optimizer(model.params, lr=1e160, **({"momentum": 0.9} if optimizer is SGD else {}))
    assert fit(model, X, target, opt, epochs=5, verbose=False).diverged
    opt.lr = 0.01
    twin = RNN(*model.config.values()).set_params(model.params)
    fresh = optimizer(twin.params, lr=0.01, **({"momentum": 0.9} if optimizer is SGD else {}))
    history = fit(model, X, target, opt, epochs=20, verbose=False)
    assert not history.diverged and history.loss[-1] < history.loss[0]
    assert history == fit(twin, X, target, fresh, epochs=20, verbose=False), "it has forgotten what it gathered"


def test_divergence_gives_back_parameters_that_were_no_worse_than_the_start():
    model, X, target, _ = rnn_problem()
    history = fit(model, X, 1e3 * target, SGD(model.params, lr=3.0), epochs=500, verbose=False)
    assert history.diverged and max(history.step_loss) > 1e3 * history.step_loss[0]
    assert gradients(model, X, 1e3 * target)[0] <= history.step_loss[0]


def test_a_loss_that_ends_far_above_its_start_is_mentioned(capsys):
    model, X, target, _ = rnn_problem()
    history = fit(model, X, 100 * target, SGD(model.params, lr=4.0), epochs=4)
    assert history.loss[-1] > 10 * history.loss[0] and not history.diverged
    assert history.message == capsys.readouterr().out.strip()
    start = f"The loss ended at {history.loss[-1]:.3g}, far above {history.loss[0]:.3g} in epoch 1: "
    assert history.message == start + "a smaller learning rate, smaller inputs or clipping may help."
    assert len({f"{loss:.3g}" for loss in history.loss}) == 4


def test_a_loss_that_is_large_and_falls_is_not_mentioned():
    model, X, target, _ = rnn_problem()
    history = fit(model, X, 100 * target, SGD(model.params, lr=0.01), epochs=4, verbose=False)
    assert history.loss[0] > history.loss[-1] > 100 and history.message == ""


def test_a_float32_model_whose_loss_overflows_diverges_like_any_other():
    model, X, target, _ = rnn_problem(dtype=np.float32)
    for too_large in (1e38, 3e38):
        history = fit(model, X, np.full(target.shape, too_large), SGD(model.params, lr=1.0), epochs=3, verbose=False,
                      loss_fn=lambda Y, t: mse_loss(Y.astype(float), t * 1e10))
        assert history.diverged and history.message.endswith("in epoch 1.")


def test_a_bad_label_in_a_later_batch_is_refused_before_the_first_step():
    X, labels = np.zeros((5, 6, 1)), np.array([0, 1, 0, 1, 0, 2])
    for loss_fn, target in ((last_step(cross_entropy_loss), labels), (cross_entropy_loss, np.tile(labels, (5, 1)))):
        for bad in (2, -1):
            target = np.where(target == 2, bad, target)
            model = RNN(1, 3, 2)
            before = {name: p.copy() for name, p in model.params.items()}
            with pytest.raises(ValueError, match=f"^target: expected classes from 0 to 1, got {bad} at index"):
                fit(model, X, target, SGD(model.params, lr=1.0), loss_fn=loss_fn, batch_size=1, verbose=False)
            assert all(np.array_equal(before[name], p) for name, p in model.params.items())
            assert not hasattr(model, "state"), "the model has seen nothing"


def test_a_loss_that_returns_one_number_is_refused_by_a_sentence():
    model, X, target, _ = rnn_problem()
    with pytest.raises(TypeError, match=r"^loss_fn: expected \(loss, dLoss/dY\), as mse_loss returns, got "):
        fit(model, X, target, SGD(model.params, lr=1.0), loss_fn=lambda Y, t: ((Y - t) ** 2).mean(), verbose=False)


@pytest.fixture
def ctrl_c_is_heard():
    """A shell makes what it starts in the background, such as these tests, deaf to Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c_is_heard")
@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent in another way there")
def test_ctrl_c_keeps_the_history_and_whole_updates(capsys):
    model, X, target, _ = rnn_problem(B=4)
    twin, *_ = rnn_problem(B=4)
    handler = signal.getsignal(signal.SIGINT)

    class Interrupted(SGD):
        def step(self, grads):
            if len(steps) == 5:
                os.kill(os.getpid(), signal.SIGINT)  # in the middle of the sixth update
            super().step(grads)
            steps.append(1)

    steps = []
    history = fit(model, X, target, Interrupted(model.params, lr=0.1), epochs=10, batch_size=1)
    assert history.message == "Training was interrupted in epoch 2; what it had learned is kept."
    assert capsys.readouterr().out == history.message + "\n" and not history.diverged
    assert len(history.loss) == 1 and len(history.step_loss) == 6
    fit(twin, X, target, SGD(twin.params, lr=0.1), epochs=2, batch_size=1, verbose=False,
        loss_fn=lambda Y, t, calls=[]: (calls.append(1), mse_loss(Y, t) if len(calls) <= 6 else (0.0, 0 * Y))[1])  # noqa: B006
    for name, p in twin.params.items():
        np.testing.assert_array_equal(model.params[name], p)
    assert signal.getsignal(signal.SIGINT) is handler


@pytest.mark.usefixtures("ctrl_c_is_heard")
@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent in another way there")
def test_a_second_ctrl_c_stops_at_once():
    model, X, target, _ = rnn_problem()

    def loss_fn(Y, target):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        return mse_loss(Y, target)

    with pytest.raises(KeyboardInterrupt):
        fit(model, X, target, SGD(model.params, lr=0.1), loss_fn=loss_fn, verbose=False)


def test_training_in_another_thread_is_the_same():
    (model, X, target, _), (twin, *_) = rnn_problem(), rnn_problem()
    here = fit(model, X, target, SGD(model.params, lr=0.1), epochs=5, verbose=False)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        there = pool.submit(fit, twin, X, target, SGD(twin.params, lr=0.1), epochs=5, verbose=False).result()
    assert here == there


# --- another way of feeding batches ---------------------------------------------------------------------------------

def test_a_generator_may_carry_the_state_on():
    """Two windows of one long sequence: the second begins with the state that the first has left."""
    model, X, target, _ = rnn_problem(T=8)
    twin, *_ = rnn_problem(T=8)

    def windows(epoch):
        yield Batch(X[:4], target[:4], weight=4)
        yield Batch(X[4:], target[4:], weight=4, state=model.state)

    history = train(model, windows, SGD(model.params, lr=0.1), epochs=1, verbose=False)
    loss, grads = gradients(twin, X[:4], target[:4])
    state = twin.state
    SGD(twin.params, lr=0.1).step(grads)
    second, grads = gradients(twin, X[4:], target[4:], state)
    SGD(twin.params, lr=0.1).step(grads)
    assert history.step_loss == [loss, second] and history.loss == [pytest.approx((loss + second) / 2, rel=1e-15)]
    for name, p in twin.params.items():
        np.testing.assert_array_equal(model.params[name], p)


# --- streams: truncated backpropagation through time ----------------------------------------------------------------

class Still:
    """An optimiser that keeps the gradients and moves nothing."""

    def __init__(self, params):
        self.params, self.grads = params, []

    def step(self, grads):
        self.grads.append({name: g.copy() for name, g in grads.items()})


class Witness:
    """What a model needs to keep the states of every forward pass: the hidden ones, and at the end all of them."""

    seen = ()

    def forward(self, X, state=None):
        Y = super().forward(X, state)
        self.seen = [*self.seen, (self.hidden_states, parts(self.state))]
        return Y


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("Model", RECURRENT)
def test_one_window_of_the_whole_length_is_fit_to_the_last_digit(Model, dtype):
    (model, X, target, _), (twin, *_) = (recurrent_problem(Model, T=9, dtype=dtype) for _ in range(2))
    settings = dict(epochs=7, clip_norm=0.4, schedule=lambda epoch: 0.1 / (epoch + 1), verbose=False, check=True)
    stream = fit_stream(model, X, target, Adam(model.params), window=9, **settings)
    assert stream == fit(twin, X, target, Adam(twin.params), **settings)
    for name, p in twin.params.items():
        np.testing.assert_array_equal(model.params[name], p)


def test_two_windows_give_the_gradients_of_a_carry_that_starts_again_between_them():
    model, X, target, _ = rnn_problem(T=8)
    optimizer = Still(model.params)
    history = fit_stream(model, X, target, optimizer, window=4, epochs=1, verbose=False)
    loss, dY = mse_loss(model.forward(X), target)
    expected = truncated_in_blocks(model.params, X, model.hidden_states, dY)
    first, second = optimizer.grads
    for name, g in expected.items():  # a window's loss is a mean over half as many numbers
        np.testing.assert_allclose((first[name] + second[name]) / 2, g, rtol=1e-12, atol=1e-15)
    assert history.loss == [pytest.approx(loss, rel=1e-14)]
    full = model.backward(dY)
    assert np.abs(full["W_hh"] - expected["W_hh"]).max() > 0.1 * np.abs(full["W_hh"]).max(), "something was cut"


@pytest.mark.parametrize("window", [1, 3, 5, 10])
@pytest.mark.parametrize("Model", RECURRENT)
def test_a_stream_read_window_by_window_has_the_states_of_the_stream_read_whole(Model, window):
    plain, X, target, _ = recurrent_problem(Model, T=10)
    model = type("Seen", (Witness, Model), {})(2, 4, 3).set_params(plain.params)
    fit_stream(model, X, target, Still(model.params), window=window, epochs=2, verbose=False)
    plain.forward(X)
    n = -(-10 // window)
    assert len(model.seen) == 2 * n
    for epoch in (model.seen[:n], model.seen[n:]):  # each begins with a state of zeros
        states = np.concatenate([h[1:] for h, _ in epoch])
        np.testing.assert_allclose(states, plain.hidden_states[1:], rtol=1e-13, atol=1e-15)
        np.testing.assert_allclose(epoch[-1][1], parts(plain.state), rtol=1e-13, atol=1e-15)


def test_a_shorter_last_window_counts_by_its_steps():
    model, X, target, _ = rnn_problem(T=7)
    history = fit_stream(model, X, target, Still(model.params), window=3, epochs=1, verbose=False)
    assert len(history.step_loss) == 3
    assert history.loss == [pytest.approx(mse_loss(model.forward(X), target)[0], rel=1e-14)]


def test_a_score_between_the_epochs_changes_nothing():
    """The score's own forward pass leaves another state behind."""
    (model, X, target, _), (twin, *_) = rnn_problem(T=8), rnn_problem(T=8)
    scores = []
    score = lambda *_: scores.append(mse_loss(model.forward(X[:2]), target[:2])[0])  # noqa: E731
    settings = dict(window=4, epochs=3, verbose=False)
    scored = fit_stream(model, X, target, SGD(model.params, lr=0.1), on_epoch=score, **settings)
    assert scored == fit_stream(twin, X, target, SGD(twin.params, lr=0.1), **settings) and len(scores) == 3


def test_two_and_three_epochs_of_a_stream_are_five():
    settings = dict(window=3, schedule=lambda epoch: 0.1 * 0.7**epoch, verbose=False)
    (model, X, target, _), (twin, *_) = rnn_problem(T=8), rnn_problem(T=8)
    whole = fit_stream(model, X, target, SGD(model.params, lr=1), epochs=5, **settings)
    optimizer = SGD(twin.params, lr=1)
    first = fit_stream(twin, X, target, optimizer, epochs=2, **settings)
    assert fit_stream(twin, X, target, optimizer, epochs=3, history=first, **settings) == whole


def test_a_stream_that_diverges_is_reported_and_the_parameters_are_put_back(capsys):
    model, X, target, _ = rnn_problem(T=8)
    before, _ = mse_loss(model.forward(X), target)
    history = fit_stream(model, X, 1e3 * target, SGD(model.params, lr=1e150), window=2, epochs=3)
    assert history.diverged and capsys.readouterr().out == history.message + "\n" != "\n"
    assert mse_loss(model.forward(X), target)[0] == before


def test_a_model_without_a_state_cannot_read_a_stream():
    model = MLP(2, (3,), 1)
    with pytest.raises(TypeError, match="^model: expected one whose forward takes a state to carry on, got MLP "):
        fit_stream(model, np.ones((4, 1, 2)), np.ones((4, 1, 1)), SGD(model.params, lr=1), window=2)


def test_a_stream_needs_a_target_for_each_step():
    model, X, target, _ = rnn_problem(T=8)
    with pytest.raises(ValueError, match=r"^target: expected an entry for each step .* \(8, 3\), got \(3, 3\)"):
        fit_stream(model, X, target[-1], SGD(model.params, lr=1), window=2)


def test_a_bad_label_in_a_later_window_is_refused_before_the_first_step():
    model, labels = RNN(1, 3, 2), np.zeros((8, 3), int)
    labels[-1] = 2
    before = {name: p.copy() for name, p in model.params.items()}
    with pytest.raises(ValueError, match="^target: expected classes from 0 to 1, got 2 at index"):
        fit_stream(model, np.zeros((8, 3, 1)), labels, SGD(model.params, lr=1.0), window=2,
                   loss_fn=cross_entropy_loss, verbose=False)
    assert all(np.array_equal(before[name], p) for name, p in model.params.items())


# --- the learning rate's schedule -----------------------------------------------------------------------------------

def test_the_schedule_gives_every_epoch_its_learning_rate():
    (model, X, target, _), (twin, *_) = rnn_problem(), rnn_problem()
    optimizer = SGD(model.params, lr=5)
    fit(model, X, target, optimizer, epochs=3, schedule=lambda epoch: 0.1 / (epoch + 1), verbose=False)
    for lr in (0.1, 0.1 / 2, 0.1 / 3):
        SGD(twin.params, lr=lr).step(gradients(twin, X, target)[1])
    assert optimizer.lr == 0.1 / 3
    for name, p in twin.params.items():
        np.testing.assert_array_equal(model.params[name], p)


def test_a_schedule_that_gives_no_rate_is_refused():
    model, X, target, _ = rnn_problem()
    with pytest.raises(ValueError, match="^lr: expected a finite number above 0.*, got 0"):
        fit(model, X, target, SGD(model.params, lr=1), schedule=lambda epoch: 0, verbose=False)


# --- threads --------------------------------------------------------------------------------------------------------

def test_small_products_run_on_one_thread_and_the_setting_comes_back():
    def threads():
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    with threadpool_limits(2, user_api="blas"):
        before = threads()
        for problem, expected in (((6, 3, 2, 4, 3), [1] * len(before)), ((2, 64, 2, 512, 3), before)):
            model, X, target, _ = rnn_problem(*problem)
            seen = []
            optimizer = SGD(model.params, lr=0.1)
            fit(model, X, target, optimizer, epochs=1, verbose=False, on_epoch=lambda *_: seen.append(threads()))  # noqa: B023
            assert seen == [expected] and threads() == before
            train(model, lambda _: [Batch(X, target)], optimizer, epochs=1, verbose=False,  # noqa: B023
                  on_epoch=lambda *_: seen.append(threads()))  # noqa: B023
            assert seen == [expected, expected] and threads() == before
            with pytest.raises(ZeroDivisionError):
                fit(model, X, target, optimizer, verbose=False, loss_fn=lambda Y, t: 1 / 0)
            assert threads() == before


# --- memory ---------------------------------------------------------------------------------------------------------

STEPS = """
import resource
import numpy as np
from rnn_lib import GRU
model, X = GRU(90, 48, 90), np.ones((25, 64, 90))
def faults(steps):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(steps):
        model.backward(model.forward(X))
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults(5)
print(faults(20))
"""


@pytest.mark.skipif(not keep_freed_memory(), reason="this C library is not told what to do with freed memory")
def test_a_step_reuses_memory_unless_the_user_says_otherwise():
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}

    def page_faults(**settings):
        run = subprocess.run([sys.executable, "-c", STEPS], env=environment | settings, capture_output=True, text=True)
        return int(run.stdout)

    # Whether malloc's defaults give memory back depends on what else lies in it; a threshold of 64 kB always does.
    assert page_faults() < 1000 < page_faults(MALLOC_MMAP_THRESHOLD_="65536") / 10


def test_a_python_without_ctypes_leaves_memory_as_it_is(monkeypatch):
    monkeypatch.setitem(sys.modules, "ctypes", None)
    assert keep_freed_memory() is False


# --- the check before training --------------------------------------------------------------------------------------

def test_the_check_before_training_lets_a_right_model_train_as_without_it(capsys):
    (model, X, target, _), (twin, *_) = rnn_problem(), rnn_problem()
    checked = fit(model, X, target, SGD(model.params, lr=0.1), epochs=3, check=True)
    assert capsys.readouterr().out.startswith("Right: along a random direction of all weights the loss has slope ")
    assert checked == fit(twin, X, target, SGD(twin.params, lr=0.1), epochs=3)


def test_the_check_before_training_refuses_a_wrong_model():
    _, X, target, _ = rnn_problem()
    model = BuggyRNN("state_off_by_one", 2, 4, 3)
    before = {name: p.copy() for name, p in model.params.items()}
    for train_it in (fit, functools.partial(fit_stream, window=3)):
        with pytest.raises(ValueError, match="^model: expected gradients that belong to the loss, got: Wrong: along"):
            train_it(model, X, target, SGD(model.params, lr=0.1), check=True, verbose=False)
        assert all(np.array_equal(before[name], p) for name, p in model.params.items())


# --- what a loss and a generator of batches hand over ---------------------------------------------------------------

@pytest.mark.parametrize("answer, error, words", [
    (lambda Y: (None, Y), TypeError, "loss_fn: loss: expected an array of numbers, got NoneType None"),
    (lambda Y: (Y**2, Y), ValueError, r"loss_fn: loss: expected shape \(\), got \(5, 3, 3\)"),
    (lambda Y: (1j, Y), TypeError, "loss_fn: loss: expected real numbers, got dtype complex128"),
    (lambda Y: (1.0, None), TypeError, "loss_fn: dLoss/dY: expected an array of numbers, got NoneType None"),
    (lambda Y: (1.0, Y[0]), ValueError, r"loss_fn: dLoss/dY: expected shape \(5, 3, 3\), got \(3, 3\)"),
    (lambda Y: (1.0, 1j * Y), TypeError, "loss_fn: dLoss/dY: expected real numbers, got dtype complex128"),
    (lambda Y: (1.0, [[1.0], [1.0, 2.0]]), TypeError, "loss_fn: dLoss/dY: expected an array of numbers, got list"),
])
def test_a_loss_that_returns_something_else_is_no_divergence(answer, error, words):
    model, X, target, _ = rnn_problem(T=5, B=3, O=3)
    optimizer = Adam(model.params)
    before = {name: p.copy() for name, p in model.params.items()}
    with warnings.catch_warnings(), pytest.raises(error, match=f"^{words}"):
        warnings.simplefilter("error")
        fit(model, X, target, optimizer, loss_fn=lambda Y, target: answer(Y), verbose=False)
    assert optimizer.t == 0 and all(np.array_equal(before[name], p) for name, p in model.params.items())


@pytest.mark.parametrize("batches, error, words", [
    (lambda X, target: [], ValueError, r"batches: expected weights that add up to more than 0, got \[\]"),
    (lambda X, target: [Batch(X, target, 0)], ValueError, "batches: expected weights that add up to more than 0, got "),
    (lambda X, target: [(X, target)], TypeError, "batches: expected to yield a Batch for each update, got tuple "),
    (Batch, TypeError, "batches: expected to yield a Batch for each update, got an array of dtype float64 and shape"),
])
def test_batches_that_are_none(batches, error, words):
    model, X, target, _ = rnn_problem()
    with pytest.raises(error, match=f"^{words}"):
        train(model, lambda epoch: batches(X, target), SGD(model.params, 0.1), verbose=False)
