"""The vanilla (Elman) recurrent network and its backpropagation through time."""

import numpy as np

from rnn_lib.model import Model
from rnn_lib.validation import check_array, check_int


class RNN(Model):
    """A recurrent network with one tanh layer (Elman 1990) and a linear output.

        h_t = tanh(W_xh x_t + W_hh h_{t-1} + b_h)
        y_t = W_hy h_t + b_y

    Parameters are drawn uniformly from +-1/sqrt(hidden_size), as `torch.nn.RNN`'s.

        model = RNN(input_size=1, hidden_size=16, output_size=1)
        Y = model.forward(X)            # (T, B, I) -> (T, B, O)
        loss, dY = mse_loss(Y, target)
        grads = model.backward(dY)      # same keys and shapes as model.params
    """

    def __init__(self, input_size, hidden_size, output_size, seed=0, dtype=np.float64):
        """Sizes are whole numbers I, H, O >= 1; `dtype` is float64 or float32."""
        I = self.input_size = check_int("input_size", input_size)
        H = self.hidden_size = check_int("hidden_size", hidden_size)
        O = self.output_size = check_int("output_size", output_size)
        shapes = {"W_xh": (H, I), "W_hh": (H, H), "b_h": (H,), "W_hy": (O, H), "b_y": (O,)}
        super().__init__({"input_size": I, "hidden_size": H, "output_size": O}, shapes, 1 / np.sqrt(H), seed, dtype)

    def forward(self, X, state=None):
        """Run the network over a batch of sequences and remember what `backward` needs.

        X is (T, B, I); `state` is the hidden state before the first step, (B, H), zeros by default.
        Returns Y, (T, B, O). Every call makes new arrays: what an earlier call returned stays as it was.
        """
        p, dtype = self.params, np.result_type(self.dtype, *self.params.values())  # or complex, for the complex step
        X = check_array("X", X, ("T", "B", self.input_size), dtype)
        T, B, I = X.shape
        H, O = self.hidden_size, self.output_size
        h = np.empty((T + 1, B, H), dtype)
        h[0] = 0 if state is None else check_array("state", state, (B, H), dtype)

        np.dot(X.reshape(T * B, I), p["W_xh"].T, out=h[1:].reshape(T * B, H))  # all input projections at once
        h[1:] += p["b_h"]
        W_hh_T = p["W_hh"].T.copy()
        h_prev = h[0]
        for h_t in h[1:]:
            h_t += h_prev.dot(W_hh_T)       # h_t held W_xh x_t + b_h so far
            h_prev = np.tanh(h_t, out=h_t)

        h.flags.writeable = False  # `backward` reads both: nobody may write into them meanwhile
        self._X, self._h = X.copy(), h
        return (h[1:].reshape(T * B, H).dot(p["W_hy"].T) + p["b_y"]).reshape(T, B, O)

    def backward(self, dY):
        """Backpropagation through time: from dL/dY, (T, B, O), to dL/d(parameter) for every parameter."""
        X, h = self.remembered("_X"), self.hidden_states
        W_hh, W_hy = self.params["W_hh"], self.params["W_hy"]
        (T, B, I), H, O = X.shape, self.hidden_size, self.output_size
        dY = check_array("dY", dY, (T, B, O), h.dtype).reshape(T * B, O)

        dZ = dY.dot(W_hy).reshape(T, B, H)  # the road through y_t, all steps at once
        tanh_prime = h[1:] ** 2
        np.subtract(1, tanh_prime, out=tanh_prime)  # 1 - h^2, in place: the states, dZ and this are large
        carry = 0                           # the road through z_{t+1}: nothing comes after the last step
        for dz_t, tanh_prime_t in zip(dZ[::-1], tanh_prime[::-1], strict=True):
            dz_t += carry                   # dL/dh_t: both roads
            dz_t *= tanh_prime_t            # dL/dz_t: back through tanh
            carry = dz_t.dot(W_hh)

        dZ = dZ.reshape(T * B, H)
        return {
            "W_xh": dZ.T.dot(X.reshape(T * B, I)),
            "W_hh": dZ.T.dot(h[:-1].reshape(T * B, H)),
            "b_h": dZ.sum(axis=0),
            "W_hy": dY.T.dot(h[1:].reshape(T * B, H)),
            "b_y": dY.sum(axis=0),
        }

    @property
    def state(self):
        """The hidden state after the last step, (B, H), read-only: pass it to the next `forward` to carry on."""
        return self.hidden_states[-1]

    @property
    def hidden_states(self):
        """All hidden states of the last `forward`, (T+1, B, H), read-only; index 0 is the initial state."""
        return self.remembered("_h")
