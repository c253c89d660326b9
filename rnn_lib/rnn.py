"""The vanilla (Elman) recurrent network and its backpropagation through time."""

import numpy as np

from rnn_lib.recurrent import Recurrent, rows

__all__ = ["RNN"]


class RNN(Recurrent):
    """A recurrent network with one tanh layer (Elman 1990) and a linear output.

        h_t = tanh(W_xh x_t + W_hh h_{t-1} + b_h)
        y_t = W_hy h_t + b_y

        model = RNN(input_size=1, hidden_size=16, output_size=1)
        Y = model.forward(X)            # (T, B, I) -> (T, B, O)
        loss, dY = mse_loss(Y, target)
        grads = model.backward(dY)      # same keys and shapes as model.params
    """

    @staticmethod
    def cell_shapes(I, H):
        """Return {name: shape} of the hidden layer's parameters."""
        return {"W_xh": (H, I), "W_hh": (H, H), "b_h": (H,)}

    def forward(self, X, state=None):
        """Run the network over a batch of sequences and remember what `backward` needs.

        X is (T, B, I); `state` is the hidden state before the first step, (B, H), zeros by default.
        Returns Y, (T, B, O). Every call makes new arrays: what an earlier call returned stays as it was.
        """
        X, h = self.begin(X, state)
        p = self.params
        np.dot(rows(X), p["W_xh"].T, out=rows(h[1:]))  # all input projections at once
        h[1:] += p["b_h"]
        W_hh_T = p["W_hh"].T.copy()
        h_prev = h[0]
        for h_t in h[1:]:
            h_t += h_prev.dot(W_hh_T)       # h_t held W_xh x_t + b_h so far
            h_prev = np.tanh(h_t, out=h_t)

        self.remember(X, h)
        return (rows(h[1:]).dot(p["W_hy"].T) + p["b_y"]).reshape(*X.shape[:2], -1)

    def backward(self, dY):
        """Backpropagation through time: from dL/dY, (T, B, O), to dL/d(parameter) for every parameter.

        It belongs to the last `forward`: between the two the parameters must stay as they are.
        """
        dY, X, h = self.begin_backward(dY)
        W_hh, W_hy = self.params["W_hh"], self.params["W_hy"]

        # The walk back, from dY to dL/dz_t for every step.
        dZ = rows(dY).dot(W_hy).reshape(h[1:].shape)  # the road through y_t, all steps at once
        tanh_prime = h[1:] ** 2
        np.subtract(1, tanh_prime, out=tanh_prime)  # 1 - h^2, in place: the states, dZ and this are large
        carry = 0                           # the road through z_{t+1}: nothing comes after the last step
        for dz_t, tanh_prime_t in zip(dZ[::-1], tanh_prime[::-1], strict=True):
            dz_t += carry                   # dL/dh_t: both roads
            dz_t *= tanh_prime_t            # dL/dz_t: back through tanh
            carry = dz_t.dot(W_hh)
        self.remember_walk(dZ, carry)

        # The products: each weight is used at every step of every sequence, so its gradient is a sum over both.
        dZ, dY = rows(dZ), rows(dY)
        return {
            "W_xh": dZ.T.dot(rows(X)),
            "W_hh": dZ.T.dot(rows(h[:-1])),
            "b_h": dZ.sum(axis=0),
            "W_hy": dY.T.dot(rows(h[1:])),
            "b_y": dY.sum(axis=0),
        }
