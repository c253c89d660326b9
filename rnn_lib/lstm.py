"""The LSTM and its backpropagation through time."""

import numpy as np

from rnn_lib.recurrent import Gated, rows

__all__ = ["LSTM"]


class LSTM(Gated):
    """Long short-term memory (Hochreiter and Schmidhuber 1997; with the forget gate of Gers et al. 2000).

        i_t = sigmoid(W_xi x_t + W_hi h_{t-1} + b_i)    the input gate: how much is written
        f_t = sigmoid(W_xf x_t + W_hf h_{t-1} + b_f)    the forget gate: how much is kept
        g_t = tanh(W_xg x_t + W_hg h_{t-1} + b_g)       the candidate: what is written
        o_t = sigmoid(W_xo x_t + W_ho h_{t-1} + b_o)    the output gate: how much is shown
        c_t = f_t c_{t-1} + i_t g_t
        h_t = o_t tanh(c_t)
        y_t = W_hy h_t + b_y

    The weights of the four gates stand one below the other, in PyTorch's order: W_xh (4H, I) is W_xi, W_xf, W_xg, W_xo.

        model = LSTM(input_size=1, hidden_size=16, output_size=1)
        Y = model.forward(X)            # (T, B, I) -> (T, B, O)
        h, c = model.state              # the state is a pair
        grads = model.backward(dY)      # same keys and shapes as model.params
    """

    state_names = ("h", "c")
    gate_names = ("i", "f", "g", "o")
    keeping, writing = "f", "i"

    @staticmethod
    def cell_shapes(I, H):
        """Return {name: shape} of the hidden layer's parameters."""
        return {"W_xh": (4 * H, I), "W_hh": (4 * H, H), "b_h": (4 * H,)}

    def forward(self, X, state=None):
        """Run the network over a batch of sequences and remember what `backward` needs.

        X is (T, B, I); `state` is a pair (h, c) of what was before the first step, each (B, H), zeros by default.
        Returns Y, (T, B, O). Every call makes new arrays: what an earlier call returned stays as it was.
        """
        X, h, c = self.begin(X, state)
        p, (T, B, _), H = self.params, X.shape, self.hidden_size
        scale = self.per_gate(0.5, 0.5, 1, 0.5)  # sigmoid(z) = tanh(z/2) / 2 + 1/2: one tanh for all four gates
        W_xh_T, W_hh_T = (np.multiply(p[name].T, scale, order="C") for name in ("W_xh", "W_hh"))
        scale = np.tile(scale, (B, 1))      # (B, 4H): where nothing is broadcast NumPy is faster
        shift = 1 - scale
        Z = rows(X).dot(W_xh_T).reshape(T, B, 4 * H)  # all input projections at once
        Z += p["b_h"] * scale
        i, f, g, o = self.split(Z)          # views: what is z_t now becomes i_t, f_t, g_t and o_t
        tanh_c = np.empty_like(c[1:])
        h_prev, c_prev = h[0], c[0]
        for z_t, i_t, f_t, g_t, o_t, c_t, tanh_c_t, h_t in zip(Z, i, f, g, o, c[1:], tanh_c, h[1:], strict=True):
            z_t += h_prev.dot(W_hh_T)       # z_t held W_xh x_t + b_h so far
            np.tanh(z_t, out=z_t)
            z_t *= scale
            z_t += shift                    # now it holds the gates
            np.multiply(f_t, c_prev, out=c_t)
            c_t += i_t * g_t
            np.tanh(c_t, out=tanh_c_t)
            np.multiply(o_t, tanh_c_t, out=h_t)
            h_prev, c_prev = h_t, c_t

        self.remember(X, h, c, np.array([i, f, g, o]), tanh_c)
        return (rows(h[1:]).dot(p["W_hy"].T) + p["b_y"]).reshape(T, B, -1)

    def backward(self, dY):
        """Backpropagation through time: from dL/dY, (T, B, O), to dL/d(parameter) for every parameter.

        It belongs to the last `forward`: between the two the parameters must stay as they are.
        """
        dY, X, h, c, (i, f, g, o), tanh_c = self.begin_backward(dY)
        W_hh, W_hy, (T, B, H) = self.params["W_hh"], self.params["W_hy"], tanh_c.shape

        # What dL/dc_t (for o: dL/dh_t) is multiplied by to become dL/dz_t, for all steps at once.
        dZ = np.empty((T, B, 4, H), h.dtype)
        dZ[:, :, 0] = g * i * (1 - i)
        dZ[:, :, 1] = c[:-1] * f * (1 - f)
        dZ[:, :, 2] = i * (1 - g**2)
        dZ[:, :, 3] = tanh_c * o * (1 - o)
        dc_dh = o * (1 - tanh_c**2)         # dL/dh_t times this goes to c_t

        # The walk back, from dY to dL/dz_t for every step.
        dH = rows(dY).dot(W_hy).reshape(T, B, H)  # the road through y_t
        h_carry = c_carry = 0               # the roads through z_{t+1} and c_{t+1}: nothing comes after the last step
        dZ_rows = dZ.reshape(T, B, 4 * H)   # the same numbers
        walk = (array[::-1] for array in (dZ_rows, dZ[:, :, :3], dZ[:, :, 3], dH, dc_dh, f))
        for dz_t, dz_ifg_t, dz_o_t, dh_t, dc_dh_t, f_t in zip(*walk, strict=True):
            dh_t += h_carry                 # dL/dh_t: both roads
            dc_t = dh_t * dc_dh_t
            dc_t += c_carry                 # dL/dc_t: both roads
            dz_ifg_t *= dc_t[:, None]
            dz_o_t *= dh_t
            h_carry = dz_t.dot(W_hh)
            c_carry = dc_t * f_t
        self.remember_walk(dZ_rows, (h_carry, c_carry))

        # The products: each weight is used at every step of every sequence, so its gradient is a sum over both.
        dZ, dY = rows(dZ_rows), rows(dY)
        return {
            "W_xh": dZ.T.dot(rows(X)),
            "W_hh": dZ.T.dot(rows(h[:-1])),
            "b_h": dZ.sum(axis=0),
            "W_hy": dY.T.dot(rows(h[1:])),
            "b_y": dY.sum(axis=0),
        }

    @property
    def cell_states(self):
        """All cell states of the last `forward`, (T+1, B, H), read-only; index 0 is the initial one."""
        return self.left_by_forward("_forward")[2]
