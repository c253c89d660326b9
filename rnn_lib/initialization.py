"""How weights start.

`uniform` and `order_one` draw one array. `orthogonal`, `identity` and `spectral_radius` take a recurrent model, change
its `W_hh` in place, by which the walk back through time multiplies at every step, and return the model. `chrono` and
`forget_bias` take a model with gates and change the biases that say how long it keeps its state.
"""

import numpy as np

from rnn_lib.ground.seeds import generator
from rnn_lib.ground.validation import check_has, check_int, check_named_arrays, check_number, describe

__all__ = ["chrono", "forget_bias", "identity", "order_one", "orthogonal", "spectral_radius", "uniform"]


def uniform(shape, rng, fan_in):
    """Draw uniformly from +-1/sqrt(fan_in), `fan_in` inputs to each unit, as `torch.nn.Linear` and `RNN` do."""
    return rng.uniform(-1 / np.sqrt(fan_in), 1 / np.sqrt(fan_in), shape)


def order_one(shape, rng):
    """Draw weights, (out, in), with variance 1/in and biases, (out,), with deviation 0.5: mistakes hide near zero."""
    return rng.normal(0, 0.5 if len(shape) == 1 else 1 / np.sqrt(shape[-1]), shape)


def orthogonal(model, gain=1.0, seed=0):
    """Make `W_hh` a random orthogonal matrix times `gain` > 0, and return the model.

    All its singular values are `gain` then: with gain 1 it turns a state, and a gradient, without changing its length
    (Saxe, McClelland and Ganguli 2014, arXiv:1312.6120). Where W_hh holds several squares of (H, H) one below the
    other, each becomes such a matrix. All other parameters, biases among them, stay as they are.
    """
    squares, gain = recurrent_squares(model), check_number("gain", gain, above=0)
    rng = generator(seed, "orthogonal")
    for square in squares:
        Q, R = np.linalg.qr(rng.normal(size=square.shape))
        square[...] = gain * Q * np.sign(np.diag(R))  # the signs make every orthogonal matrix equally likely
    return model


def identity(model, scale=1.0):
    """Make `W_hh` the identity matrix times `scale` > 0, and return the model.

    Each unit then hands on `scale` times itself (Le, Jaitly and Hinton 2015, arXiv:1504.00941). Where W_hh holds
    several squares of (H, H) one below the other, each becomes this matrix. All other parameters stay as they are.
    """
    squares, scale = recurrent_squares(model), check_number("scale", scale, above=0)
    for square in squares:
        square[...] = scale * np.eye(len(square))
    return model


def spectral_radius(model, radius):
    """Scale `W_hh` so that its largest eigenvalue has the absolute value `radius` > 0, and return the model.

    Where W_hh holds several squares of (H, H) one below the other, each is scaled by its own factor. The eigenvectors
    and all other parameters stay as they are. Raises ValueError if all eigenvalues of a square are 0.
    """
    squares, radius = recurrent_squares(model), check_number("radius", radius, above=0)
    largest = [np.abs(np.linalg.eigvals(square.astype(float))).max() for square in squares]
    if not all(largest):
        raise ValueError("model: expected a W_hh with an eigenvalue to scale, got one whose eigenvalues are all 0")
    for square, size in zip(squares, largest, strict=True):
        square *= radius / size
    return model


def chrono(model, max_lag, seed=0):
    """Open the gates of an LSTM or a GRU for lags up to `max_lag` >= 2, and return the model.

    The bias of the gate that keeps the state becomes log U(1, max_lag - 1), another number for each unit, drawn from
    `seed`: a gate of sigmoid(log u) forgets in about 1 + u steps. The bias of an LSTM's input gate becomes the opposite
    number (Tallec and Ollivier 2018, arXiv:1804.11188). Where the bias stands, see `forget_bias`.
    """
    check_gated(model)
    max_lag = check_int("max_lag", max_lag, minimum=2)
    bias = np.log(generator(seed, "chrono").uniform(1, max_lag - 1, model.hidden_size))
    set_bias(model, model.keeping, bias)
    if model.writing:
        set_bias(model, model.writing, -bias)
    return model


def forget_bias(model, value):
    """Make `value` the bias of the gate that keeps the state, and return the model: the larger, the longer it keeps.

    In an LSTM that is the forget gate (its bias of 1: Gers et al. 2000, Jozefowicz et al. 2015). In a GRU it is z, the
    share of h_{t-1} in h_t: b_xh gets the value and b_hh, which is added to it, 0. All else stays as it is.
    """
    check_gated(model)
    set_bias(model, model.keeping, check_number("value", value))
    return model


def check_gated(model):
    """Raise unless the model has a gate that keeps its state."""
    if getattr(model, "keeping", None) is None or not hasattr(model, "params"):
        raise TypeError(f"model: expected one with gates, such as LSTM or GRU, got {describe(model)}")


def set_bias(model, gate, value):
    """Make `value` the bias of a gate: the first of the hidden layer's biases gets it, a second one 0."""
    first, *others = [model.params[name] for name in ("b_h", "b_xh", "b_hh") if name in model.params]
    first[model.gate_rows(gate)] = value
    for bias in others:
        bias[model.gate_rows(gate)] = 0


def recurrent_squares(model):
    """Return views of the squares, (H, H), that W_hh, (k·H, H), is made of: one for an RNN, one for each gate."""
    check_named_arrays("model.params", check_has("model", model, "params").params)
    W_hh = model.params.get("W_hh")
    if W_hh is None or W_hh.ndim != 2 or len(W_hh) % W_hh.shape[1]:
        raise ValueError(f"model: expected a recurrent one, with W_hh of shape (k·H, H), got {describe(model)}")
    return np.split(W_hh, len(W_hh) // W_hh.shape[1])
