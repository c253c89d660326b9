"""The minimal gated recurrent unit: a recurrence that is linear in the state, and its walk back."""

import numpy as np

from rnn_lib.activations import sigmoid
from rnn_lib.ground.validation import check_number
from rnn_lib.recurrent import Recurrent, rows

__all__ = ["MinGRU"]


class MinGRU(Recurrent):
    """A GRU whose gate and candidate see the input alone (Feng et al. 2024, arXiv:2410.01201), with a linear output.

        z_t = sigmoid(W_z x_t + b_z)                  the gate
        c_t = W_c x_t + b_c                           the candidate
        h_t = a_t h_{t-1} + z_t c_t                   a_t = 1 - (1 - lowest) z_t, the multiplier
        y_t = W_hy h_t + b_y

    With `lowest` 0, the published unit, a_t = 1 - z_t lies between 0 and 1; with `lowest` -1 between -1 and 1.
    """

    input_weights = ("W_z", "W_c")

    def __init__(self, input_size, hidden_size, output_size, seed=0, dtype=np.float64, lowest=0.0):
        """As `Recurrent`; `lowest`, from -1 to below 1, is the lower end of the multiplier's range."""
        self.lowest = check_number("lowest", lowest, minimum=-1, below=1)
        super().__init__(input_size, hidden_size, output_size, seed, dtype)

    @staticmethod
    def cell_shapes(I, H):
        """Return {name: shape} of the hidden layer's parameters."""
        return {"W_z": (H, I), "b_z": (H,), "W_c": (H, I), "b_c": (H,)}

    def forward(self, X, state=None):
        """Run the network over a batch of sequences and remember what `backward` needs. As `RNN.forward`."""
        X, h = self.begin(X, state)
        p = self.params
        z = sigmoid(rows(X).dot(p["W_z"].T) + p["b_z"]).reshape(h[1:].shape)
        c = (rows(X).dot(p["W_c"].T) + p["b_c"]).reshape(z.shape)
        a = 1 - (1 - self.lowest) * z
        np.multiply(z, c, out=h[1:])
        for h_prev, h_t, a_t in zip(h, h[1:], a, strict=False):
            h_t += a_t * h_prev             # h_t held z_t c_t so far; a_t knows no state
        self.remember(X, h, z, c, a)
        return (rows(h[1:]).dot(p["W_hy"].T) + p["b_y"]).reshape(*X.shape[:2], -1)

    def backward(self, dY):
        """Backpropagation through time: from dL/dY, (T, B, O), to dL/d(parameter). As `RNN.backward`."""
        dY, X, h, z, c, a = self.begin_backward(dY)

        dH = rows(dY).dot(self.params["W_hy"]).reshape(z.shape)  # the road through y_t
        carry = 0                           # the road through h_{t+1}
        for dh_t, a_t in zip(dH[::-1], a[::-1], strict=True):
            dh_t += carry
            carry = dh_t * a_t
        # No state reaches a gate: the rest is done for all steps at once.
        d_gate = dH * (c - (1 - self.lowest) * h[:-1]) * z * (1 - z)
        d_candidate = dH * z
        self.remember_walk(np.concatenate([d_gate, d_candidate], axis=-1), carry)
        d_gate, d_candidate, dY = rows(d_gate), rows(d_candidate), rows(dY)
        return {
            "W_z": d_gate.T.dot(rows(X)), "b_z": d_gate.sum(axis=0),
            "W_c": d_candidate.T.dot(rows(X)), "b_c": d_candidate.sum(axis=0),
            "W_hy": dY.T.dot(rows(h[1:])), "b_y": dY.sum(axis=0),
        }
