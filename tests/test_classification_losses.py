"""softmax, cross-entropy and squared error after the softmax: values, gradients, stability, errors."""

import numpy as np
import pytest

from rnn_lib.losses import cross_entropy_loss, last_step, mse_loss, softmax, softmax_mse_loss

SHAPES = [(1, 2), (5, 3), (1, 1, 2), (4, 3, 5), (7, 1, 10)]


def problem(shape, scale=1.0, seed=0):
    rng = np.random.default_rng(seed)
    return scale * rng.normal(size=shape), rng.integers(shape[-1], size=shape[:-1])


def complex_step(loss_fn, logits):
    """dL/dlogits, one element at a time, to machine precision."""
    gradient = np.empty(logits.shape)
    for index in np.ndindex(logits.shape):
        moved = logits.astype(complex)
        moved[index] += 1e-30j
        gradient[index] = loss_fn(moved)[0].imag / 1e-30
    return gradient


def test_softmax_sums_to_one_and_keeps_the_order():
    p = softmax(np.array([[1.0, 3.0, 2.0], [0.0, 0.0, 0.0]]))
    assert p.sum(axis=-1) == pytest.approx([1, 1])
    assert p[0].argsort().tolist() == [0, 2, 1]
    assert p[1] == pytest.approx([1 / 3] * 3)


@pytest.mark.parametrize("big", [1e4, -1e4, 700.0, -800.0])
def test_huge_logits_neither_overflow_nor_warn(big):
    logits = np.array([[big, 0.0, -big], [big, big, big]])
    with np.errstate(all="raise", under="ignore"):
        p = softmax(logits)
        loss, d = cross_entropy_loss(logits, np.array([2, 0]))
        squared, d_squared = softmax_mse_loss(logits, np.eye(3)[[2, 0]])
    assert np.isfinite([loss, squared]).all() and np.isfinite(d).all() and np.isfinite(d_squared).all()
    assert p[1] == pytest.approx([1 / 3] * 3)
    assert loss == pytest.approx((max(2 * big, 0) + np.log(3)) / 2)


def test_huge_logits_beside_small_ones_each_step_and_sequence_for_itself():
    logits = np.array([[[1e4, 9999.0], [-1e4, -9999.0]], [[0.0, 1.0], [700.0, 701.0]]])  # (T, B, C)
    rows = [softmax(row[None])[0] for row in logits.reshape(4, 2)]
    assert softmax(logits).reshape(4, 2) == pytest.approx(np.array(rows), rel=1e-15)


def test_softmax_does_not_change_when_a_constant_is_added():
    logits, _ = problem((4, 3, 5))
    assert softmax(logits + 12.5) == pytest.approx(softmax(logits), rel=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scale", [1.0, 30.0, 1e4])
def test_cross_entropy_equals_pytorchs(shape, scale):
    torch = pytest.importorskip("torch")
    logits, labels = problem(shape, scale)
    z = torch.tensor(logits, requires_grad=True)
    wanted = torch.nn.functional.cross_entropy(z.reshape(-1, shape[-1]), torch.tensor(labels).reshape(-1))
    wanted.backward()
    loss, d = cross_entropy_loss(logits, labels)
    assert loss == pytest.approx(wanted.item(), rel=1e-12, abs=1e-12)
    assert np.abs(d - z.grad.numpy()).max() < 1e-12


@pytest.mark.parametrize("shape", [(6, 3), (4, 3, 5)])
def test_masked_cross_entropy_equals_pytorchs_ignore_index(shape):
    torch = pytest.importorskip("torch")
    logits, labels = problem(shape)
    mask = np.random.default_rng(1).random(shape[:-1]) < 0.6
    ignored = np.where(mask, labels, -100)
    z = torch.tensor(logits, requires_grad=True)
    wanted = torch.nn.functional.cross_entropy(z.reshape(-1, shape[-1]), torch.tensor(ignored).reshape(-1))
    wanted.backward()
    loss, d = cross_entropy_loss(logits, ignored, mask)  # what a padded step's label is does not matter
    assert loss == pytest.approx(wanted.item(), rel=1e-12)
    assert np.abs(d - z.grad.numpy()).max() < 1e-12
    assert (d[~mask] == 0).all()
    assert cross_entropy_loss(logits, labels, np.ones(shape[:-1], bool))[0] == cross_entropy_loss(logits, labels)[0]


@pytest.mark.parametrize("shape", [(6, 3), (4, 3, 5)])
def test_a_mask_leaves_the_loss_of_the_targets_that_count(shape):
    logits, labels = problem(shape)
    mask = np.random.default_rng(1).random(shape[:-1]) < 0.6
    wanted, d_wanted = cross_entropy_loss(logits[mask], labels[mask])
    loss, d = cross_entropy_loss(logits, np.where(mask, labels, -100), mask)
    assert loss == pytest.approx(wanted, rel=1e-13)
    assert np.abs(d[mask] - d_wanted).max() < 1e-15 and (d[~mask] == 0).all()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scale", [1.0, 30.0, 1e4])
def test_squared_error_after_softmax_equals_pytorchs(shape, scale):
    torch = pytest.importorskip("torch")
    logits, labels = problem(shape, scale)
    one_hot = np.eye(shape[-1])[labels]
    z = torch.tensor(logits, requires_grad=True)
    wanted = torch.nn.functional.mse_loss(torch.softmax(z, -1), torch.tensor(one_hot))
    wanted.backward()
    loss, d = softmax_mse_loss(logits, one_hot)
    assert loss == pytest.approx(wanted.item(), rel=1e-12, abs=1e-12)
    assert np.abs(d - z.grad.numpy()).max() < 1e-12


@pytest.mark.parametrize("shape", SHAPES)
def test_the_complex_step_agrees_with_every_gradient(shape):
    logits, labels = problem(shape, scale=3.0)
    one_hot = np.eye(shape[-1])[labels]
    mask = np.ones(shape[:-1], bool)
    mask.flat[1:2] = False
    for loss_fn in (
        lambda z: cross_entropy_loss(z, labels),
        lambda z: cross_entropy_loss(z, labels, mask),
        lambda z: softmax_mse_loss(z, one_hot),
    ):
        true = complex_step(loss_fn, logits)
        assert np.abs(loss_fn(logits)[1] - true).max() <= 1e-15 * max(1, np.abs(true).max() * 20)


def test_float32_stays_float32():
    logits, labels = problem((4, 3, 5))
    logits = logits.astype(np.float32)
    mask = np.ones((4, 3), bool)
    for loss, d in (
        cross_entropy_loss(logits, labels),
        cross_entropy_loss(logits, labels, mask),
        softmax_mse_loss(logits, np.eye(5, dtype=np.float32)[labels]),
    ):
        assert d.dtype == np.float32 and np.asarray(loss).dtype == np.float32


def test_the_arguments_are_left_alone():
    logits, labels = problem((4, 3, 5))
    before = logits.copy(), labels.copy()
    cross_entropy_loss(logits, labels)
    softmax_mse_loss(logits, np.eye(5)[labels])
    assert (logits == before[0]).all() and (labels == before[1]).all()


@pytest.mark.parametrize("loss_fn", [cross_entropy_loss, lambda z, labels: softmax_mse_loss(z, np.eye(5)[labels])])
def test_last_step_puts_the_whole_error_on_the_last_step(loss_fn):
    logits, labels = problem((4, 3, 5))
    loss, dY = last_step(loss_fn)(logits, labels[-1])
    wanted, d_last = loss_fn(logits[-1], labels[-1])
    assert loss == wanted and dY.shape == logits.shape
    assert (dY[-1] == d_last).all() and (dY[:-1] == 0).all()
    with pytest.raises(ValueError, match="Y"):
        last_step(loss_fn)(logits[-1], labels[-1])


def test_last_step_works_for_regression_too_and_on_complex_numbers():
    Y = np.arange(6.0).reshape(3, 2, 1) + 0j
    loss, dY = last_step(mse_loss)(Y, np.zeros((2, 1)))
    assert loss == (16 + 25) / 2 and dY.dtype == complex and dY[-1].ravel().tolist() == [4, 5]


LOGITS, LABELS = problem((4, 3, 5))
BAD_CROSS_ENTROPY = {
    "a label that is too large": ((LOGITS, np.full((4, 3), 5)), ValueError, r"labels.*0 to 4.*5 at index \(0, 0\)"),
    "a negative label": ((LOGITS, LABELS - 5), ValueError, "labels.*from 0 to 4"),
    "float labels": ((LOGITS, LABELS.astype(float)), TypeError, "labels.*whole numbers.*float64"),
    "boolean labels": ((LOGITS, LABELS > 2), TypeError, "labels.*whole numbers.*bool"),
    "one-hot labels": ((LOGITS, np.eye(5, dtype=int)[LABELS]), ValueError, r"labels.*\(4, 3\).*\(4, 3, 5\)"),
    "labels of the last step only": ((LOGITS, LABELS[-1]), ValueError, r"labels.*\(4, 3\).*\(3,\)"),
    "text as labels": ((LOGITS, LABELS.astype(str)), TypeError, "labels"),
    "NaN logits": ((np.where(LOGITS > 1, np.nan, LOGITS), LABELS), ValueError, "logits.*finite.*nan"),
    "infinite logits": ((np.where(LOGITS > 1, np.inf, LOGITS), LABELS), ValueError, "logits.*finite.*inf"),
    "logits of rank one": ((LOGITS[0, 0], LABELS[0, 0]), ValueError, "logits.*shape"),
    "no steps": ((LOGITS[:0], LABELS[:0]), ValueError, "logits.*empty"),
    "a ragged list": (([[1.0, 2.0], [3.0]], [0, 0]), TypeError, "logits"),
    "a mask that masks everything": ((LOGITS, LABELS, np.zeros((4, 3), bool)), ValueError, "mask.*at least one"),
    "a mask of numbers": ((LOGITS, LABELS, np.ones((4, 3))), TypeError, "mask.*booleans.*float64"),
    "a mask of the wrong shape": ((LOGITS, LABELS, np.ones((3, 4), bool)), ValueError, r"mask.*\(4, 3\).*\(3, 4\)"),
}


@pytest.mark.parametrize("arguments, error, message", BAD_CROSS_ENTROPY.values(), ids=BAD_CROSS_ENTROPY)
def test_cross_entropy_refuses(arguments, error, message):
    with pytest.raises(error, match=message):
        cross_entropy_loss(*arguments)


@pytest.mark.parametrize(
    "arguments, error, message",
    [
        ((LOGITS, LABELS), ValueError, "one_hot"),
        ((LOGITS, np.eye(5)[LABELS][0]), ValueError, "one_hot"),
        ((np.full((3, 2), np.nan), np.eye(2)[[0, 1, 0]]), ValueError, "logits"),
        ((["a", "b"], np.eye(2)), TypeError, "logits"),
    ],
)
def test_softmax_mse_refuses(arguments, error, message):
    with pytest.raises(error, match=message):
        softmax_mse_loss(*arguments)


def test_softmax_refuses_a_lone_number_and_ragged_lists():
    with pytest.raises(ValueError, match="logits"):
        softmax(3.0)
    with pytest.raises(TypeError, match="logits"):
        softmax([[1.0], [1.0, 2.0]])
