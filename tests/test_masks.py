"""Sequences of unequal length: with a mask, a padded batch has the loss and the gradients of its sequences alone."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from oracles import gradients, order_one
from test_properties import SEEDS, few

import rnn_lib
from rnn_lib import RNN, data
from rnn_lib.losses import cross_entropy_loss, last_step, mse_loss, softmax_mse_loss
from rnn_lib.optim import SGD
from rnn_lib.recurrent import Recurrent
from rnn_lib.training import fit, fit_stream

EVERY_MODEL = [thing for thing in map(vars(rnn_lib).get, rnn_lib.__all__) if issubclass(thing, Recurrent)]
MODELS = pytest.mark.parametrize("Model", EVERY_MODEL)
LOSSES = {"mse": mse_loss, "cross-entropy": cross_entropy_loss, "softmax mse": softmax_mse_loss}
EVERY_LOSS = pytest.mark.parametrize("loss", LOSSES)
LOSS = st.sampled_from(list(LOSSES))
LENGTHS = st.lists(st.integers(1, 6), min_size=1, max_size=5)


def near(got, expected):
    """Sums of a few numbers of order one, added up in another order."""
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-13)


def targets(loss, shape, rng):
    """Targets for an output of this shape, (..., O)."""
    labels = rng.integers(shape[-1], size=shape[:-1])
    return {"mse": rng.normal(size=shape), "cross-entropy": labels, "softmax mse": np.eye(shape[-1])[labels]}[loss]


def problem(Model, lengths, loss, seed, at_end=False):
    """A model with weights of order one, sequences of these lengths, and their targets."""
    rng = np.random.default_rng(seed)
    model = order_one(Model(2, 3, 4), seed)
    sequences = [rng.normal(size=(T, 2)) for T in lengths]
    target = [targets(loss, (4,) if at_end else (T, 4), rng) for T in lengths]
    return model, sequences, target


def filled(padded, mask, seed):
    """The padded array with something else than zeros behind the sequences: it must not matter."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=padded.shape) if padded.dtype.kind == "f" else rng.integers(-9, 9, size=padded.shape)
    return np.where(mask.reshape(*mask.shape, *[1] * (padded.ndim - 2)), padded, noise)


def alone(model, sequences, target, loss_fn, weights):
    """Loss and gradients of the sequences one by one, and their mean by these weights."""
    results = [gradients(model, x[:, None], y, loss_fn=loss_fn) for x, y in zip(sequences, target, strict=True)]
    loss = np.average([result[0] for result in results], weights=weights)
    return loss, {name: np.average([result[1][name] for result in results], axis=0, weights=weights)
                  for name in model.params}


class Still:
    """An optimiser that keeps the gradients, and moves nothing."""

    def __init__(self, params):
        self.params, self.grads = params, []

    def step(self, grads):
        self.grads.append({name: g.copy() for name, g in grads.items()})


@MODELS
@few
@given(loss=LOSS, lengths=LENGTHS, seed=SEEDS)
def test_a_padded_batch_has_the_loss_and_gradients_of_its_sequences_alone(Model, loss, lengths, seed):
    model, sequences, target = problem(Model, lengths, loss, seed)
    (X, mask), (Y, _) = data.pad(sequences), data.pad(target)
    X, Y = filled(X, mask, seed), filled(Y, mask, seed)
    got, grads = gradients(model, X, Y, loss_fn=lambda Z, Y: LOSSES[loss](Z, Y, mask))
    assert not model.input_gradient()[~mask].any()
    expected, expected_grads = alone(model, sequences, [y[:, None] for y in target], LOSSES[loss], lengths)
    near(got, expected)
    for name, g in grads.items():
        near(g, expected_grads[name])


@MODELS
@few
@given(loss=LOSS, lengths=LENGTHS, seed=SEEDS)
def test_the_last_step_is_each_sequences_last_real_one(Model, loss, lengths, seed):
    model, sequences, target = problem(Model, lengths, loss, seed, at_end=True)
    X, mask = data.pad(sequences)
    loss_fn = last_step(LOSSES[loss])
    got, grads = gradients(model, filled(X, mask, seed), np.array(target), loss_fn=lambda Z, Y: loss_fn(Z, Y, mask))
    expected, expected_grads = alone(model, sequences, [y[None] for y in target], loss_fn, None)
    near(got, expected)
    for name, g in grads.items():
        near(g, expected_grads[name])


@MODELS
@few
@given(lengths=LENGTHS, seed=SEEDS)
def test_last_state_is_the_state_of_each_sequence_alone(Model, lengths, seed):
    model, sequences, _ = problem(Model, lengths, "mse", seed)
    X, mask = data.pad(sequences)
    model.forward(filled(X, mask, seed))
    states = np.array(model.last_state(mask))  # (B, H), or of a pair (2, B, H)
    model.last_state(mask)[0][...] = 7  # a copy
    near(np.array(model.last_state(mask)), states)
    for b, sequence in enumerate(sequences):
        model.forward(sequence[:, None])
        near(states[..., b, :], np.array(model.state)[..., 0, :])


@MODELS
@few
@given(loss=LOSS, at_end=st.booleans(), lengths=LENGTHS, size=st.integers(1, 5), seed=SEEDS)
def test_the_mask_follows_the_mini_batch(Model, loss, at_end, lengths, size, seed):
    """Each update sees its sequences alone, and the epoch's loss is the mean over all targets that count."""
    assume(len(lengths) != max(lengths))  # with T = B (= O), fit asks which axis of the targets is the batch
    model, sequences, target = problem(Model, lengths, loss, seed, at_end)
    X, mask = data.pad(sequences)
    Y = np.array(target) if at_end else data.pad(target)[0]
    loss_fn = last_step(LOSSES[loss]) if at_end else LOSSES[loss]
    still = Still(model.params)
    history = fit(model, filled(X, mask, seed), Y if at_end else filled(Y, mask, seed), still, mask=mask,
                  loss_fn=loss_fn, epochs=1, batch_size=min(size, len(lengths)), verbose=False)
    assert len(history.step_loss) == len(still.grads) == -(-len(lengths) // min(size, len(lengths)))
    weights = None if at_end else lengths
    near(history.loss[0], alone(model, sequences, [y[None] if at_end else y[:, None] for y in target], loss_fn,
                                weights)[0])
    if size == 1:  # each gradient is one sequence's own
        every = [alone(model, [x], [y[None] if at_end else y[:, None]], loss_fn, None)
                 for x, y in zip(sequences, target, strict=True)]
        near(np.sort([g["b_y"][0] for g in still.grads]), np.sort([grads["b_y"][0] for _, grads in every]))
        near(np.sort(history.step_loss), np.sort([loss for loss, _ in every]))


@MODELS
@few
@given(loss=LOSS, lengths=LENGTHS, window=st.integers(1, 6), seed=SEEDS)
def test_the_mask_follows_the_window(Model, loss, lengths, window, seed):
    """Streams of unequal length side by side have the windows' losses and gradients of each stream alone."""
    model, sequences, target = problem(Model, lengths, loss, seed)
    (X, mask), (Y, _) = data.pad(sequences), data.pad(target)

    def run(X, Y, **settings):
        still = Still(model.params)
        history = fit_stream(model, X, Y, still, window=min(window, len(X)), loss_fn=LOSSES[loss], epochs=1,
                             verbose=False, **settings)
        return history.loss[0], still.grads

    loss_together, together = run(filled(X, mask, seed), filled(Y, mask, seed), mask=mask)
    losses, each = zip(*[run(x[:, None], y[:, None]) for x, y in zip(sequences, target, strict=True)], strict=True)
    near(loss_together, np.average(losses, weights=lengths))
    for k, grads in enumerate(together):
        steps = [min(max(T - k * window, 0), window) for T in lengths]  # how many targets each stream has in window k
        for name, g in grads.items():
            near(g * sum(steps), sum(n * own[k][name] for n, own in zip(steps, each, strict=True) if n))


@MODELS
@EVERY_LOSS
@pytest.mark.parametrize("train", [fit, fit_stream])
def test_a_mask_of_true_changes_nothing(train, loss, Model):
    histories = []
    for mask in (None, np.ones((6, 5), bool)):
        model, sequences, target = problem(Model, [6] * 5, loss, seed=0)
        (X, _), (Y, _) = data.pad(sequences), data.pad(target)
        settings = {"batch_size": 2} if train is fit else {"window": 4}
        histories.append(train(model, X, Y, SGD(model.params, lr=0.1), mask=mask, loss_fn=LOSSES[loss], epochs=3,
                               verbose=False, **settings))
    near(histories[0].step_loss, histories[1].step_loss)
    near(histories[0].loss, histories[1].loss)


@MODELS
@pytest.mark.parametrize("loss_fn", [cross_entropy_loss, last_step(cross_entropy_loss)])
def test_the_check_before_training_knows_the_mask(Model, loss_fn):
    """Labels of padding may be any number; a check without the mask would refuse them, or see another loss."""
    model, sequences, target = problem(Model, [3, 6, 1], "cross-entropy", seed=0)
    X, mask = data.pad(sequences)
    Y = np.where(mask, data.pad(target)[0], -1)
    settings = {"mask": mask, "loss_fn": loss_fn, "check": True, "epochs": 1, "verbose": False}
    fit(model, X, Y if loss_fn is cross_entropy_loss else Y[0], SGD(model.params, lr=0.1), **settings)
    if loss_fn is cross_entropy_loss:
        fit_stream(model, X, Y, SGD(model.params, lr=0.1), window=2, **settings)

    class Wrong(Model):
        def backward(self, dY):
            return {name: 1.01 * g for name, g in super().backward(dY).items()}

    model, *_ = problem(Wrong, [1], "mse", seed=0)
    with pytest.raises(ValueError, match="^model: expected gradients that belong to the loss"):
        fit(model, X, Y if loss_fn is cross_entropy_loss else Y[0], SGD(model.params, lr=0.1), **settings)


# --- pad ------------------------------------------------------------------------------------------------------------


def test_pad_by_hand():
    padded, mask = data.pad([np.array([[1.0], [2.0], [3.0]]), np.array([[4.0]])])
    assert padded[..., 0].tolist() == [[1, 4], [2, 0], [3, 0]]
    assert mask.tolist() == [[True, True], [True, False], [True, False]] and mask.sum(axis=0).tolist() == [3, 1]
    labels, _ = data.pad([[1, 2], [3]])
    assert labels.dtype == int and labels.tolist() == [[1, 3], [2, 0]]
    assert data.pad([np.ones((2, 3), np.float32)])[0].dtype == np.float32


@pytest.mark.parametrize("second, words", [
    (1.0, r"expected shape \(T, 2\), got \(\)"), (np.ones((1, 3)), r"expected shape \(T, 2\), got \(1, 3\)"),
    (np.ones(2), r"expected shape \(T, 2\), got \(2,\)"), (np.ones((0, 2)), r"got \(0, 2\), which is empty"),
    ([[1, np.nan]], r"expected finite numbers, got nan at index \(0, 1\)"),
])
def test_pad_names_the_sequence_that_does_not_fit(second, words):
    with pytest.raises(ValueError, match=rf"^sequences\[1\]: .*{words}$"):
        data.pad([np.ones((3, 2)), second])
    with pytest.raises(ValueError, match=r"^sequences\[0\]: expected shape \(T,\), got \(\)$"):
        data.pad([1.0, 2.0])


# --- bad masks ------------------------------------------------------------------------------------------------------

GOOD = np.array([[True, True, True], [True, False, True], [False, False, True]])  # (T, B): lengths 2, 1, 3


def changed(*index):
    """GOOD with one value turned."""
    mask = GOOD.copy()
    mask[index] ^= True
    return mask


@pytest.mark.parametrize("mask, words", [
    (GOOD[::-1], "begin at step 0, got False there in sequence 0"),
    (changed(2, 1), "got a True after a False in sequence 1"), (changed(0, 1), "got False there in sequence 1"),
    (np.array([[1, 1, 1], [1, 1, 0], [1, 1, 1]]) > 0, "got a True after a False in sequence 2"),
])
def test_a_mask_with_padding_before_what_is_real_is_refused_where_the_last_step_is_meant(mask, words):
    model, X = RNN(1, 2, 2), np.ones((3, 3, 1))
    Y, labels, start = model.forward(X), np.zeros(3, int), {name: p.copy() for name, p in model.params.items()}
    states = model.hidden_states
    loss_fn = last_step(cross_entropy_loss)
    for call in (
        lambda: loss_fn(Y, labels, mask), lambda: model.last_state(mask),
        lambda: fit(model, X, labels, SGD(model.params, lr=1), mask=mask, loss_fn=loss_fn, verbose=False),
    ):
        with pytest.raises(ValueError, match=f"^mask: expected .*{words}"):
            call()
    assert model.hidden_states is states and all((p == start[name]).all() for name, p in model.params.items())


def test_a_sequence_or_a_window_without_a_step_that_counts_is_refused():
    model, X, Y = RNN(1, 2, 1), np.ones((4, 3, 1)), np.ones((4, 3, 1))
    mask = np.ones((4, 3), bool)
    mask[:, 1] = False
    with pytest.raises(ValueError, match="^mask: expected a step that counts in each sequence, got .* in 1$"):
        fit(model, X, Y, SGD(model.params, lr=1), mask=mask)
    mask = np.ones((4, 3), bool)
    mask[2:] = False
    with pytest.raises(ValueError, match="^mask: expected a step that counts in each window, got .* from 2 on$"):
        fit_stream(model, X, Y, SGD(model.params, lr=1), mask=mask, window=2)
    mask = np.array([[True], [False], [False], [True]]).repeat(3, axis=1)  # half of each window
    assert len(fit_stream(model, X, Y, SGD(model.params, lr=0.1), mask=mask, window=2, epochs=1).step_loss) == 2


def test_a_loss_that_takes_no_mask_is_refused():
    model, X, Y = RNN(1, 2, 1), np.ones((4, 3, 1)), np.ones((4, 3, 1))
    with pytest.raises(TypeError, match="^loss_fn: expected one that takes mask=, as mse_loss does, got function"):
        fit(model, X, Y, SGD(model.params, lr=1), mask=np.ones((4, 3), bool), loss_fn=lambda Y, t: mse_loss(Y, t))


def test_labels_for_each_sequence_need_a_loss_that_looks_at_one_step():
    model, X = RNN(1, 2, 2), np.ones((4, 3, 1))
    with pytest.raises(ValueError, match=r"^target: expected shape \(4, 3\), got \(3,\)"):
        fit(model, X, np.zeros(3, int), SGD(model.params, lr=1), mask=np.ones((4, 3), bool), loss_fn=cross_entropy_loss)
