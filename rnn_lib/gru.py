"""The gated recurrent unit and its backpropagation through time."""

import numpy as np

from rnn_lib.recurrent import Gated, rows

__all__ = ["GRU"]


class GRU(Gated):
    """A gated recurrent unit (Cho et al. 2014), in PyTorch's variant: r_t multiplies the product, not the state.

        r_t = sigmoid(W_xr x_t + b_xr + W_hr h_{t-1} + b_hr)     the reset gate
        z_t = sigmoid(W_xz x_t + b_xz + W_hz h_{t-1} + b_hz)     the update gate: how much is kept
        n_t = tanh(W_xn x_t + b_xn + r_t (W_hn h_{t-1} + b_hn))  the candidate
        h_t = (1 - z_t) n_t + z_t h_{t-1}
        y_t = W_hy h_t + b_y

    The weights of the three stand one below the other, in PyTorch's order: W_xh (3H, I) is W_xr, W_xz, W_xn. Only b_hn
    needs a bias of its own beside W_hh; b_hr and b_hz are there as in PyTorch.

        model = GRU(input_size=1, hidden_size=16, output_size=1)
        Y = model.forward(X)            # (T, B, I) -> (T, B, O)
        grads = model.backward(dY)      # same keys and shapes as model.params
    """

    gate_names = ("r", "z", "n")
    keeping = "z"

    @staticmethod
    def cell_shapes(I, H):
        """Return {name: shape} of the hidden layer's parameters."""
        return {"W_xh": (3 * H, I), "W_hh": (3 * H, H), "b_xh": (3 * H,), "b_hh": (3 * H,)}

    def forward(self, X, state=None):
        """Run the network over a batch of sequences and remember what `backward` needs.

        X is (T, B, I); `state` is the hidden state before the first step, (B, H), zeros by default.
        Returns Y, (T, B, O). Every call makes new arrays: what an earlier call returned stays as it was.
        """
        X, h = self.begin(X, state)
        p, (T, B, _), H = self.params, X.shape, self.hidden_size
        scale = self.per_gate(0.5, 0.5, 1)  # sigmoid(z) = tanh(z/2) / 2 + 1/2: one tanh for both gates
        W_xh_T, W_hh_T = (np.multiply(p[name].T, scale, order="C") for name in ("W_xh", "W_hh"))
        b_xh, b_hh = (np.tile(p[name] * scale, (B, 1)) for name in ("b_xh", "b_hh"))
        rz = rows(X).dot(W_xh_T[:, : 2 * H]).reshape(T, B, 2 * H)  # all input projections at once
        n = rows(X).dot(W_xh_T[:, 2 * H :]).reshape(T, B, H)
        rz += (b_xh + b_hh)[:, : 2 * H]
        n += b_xh[:, 2 * H :]
        r, z = self.split(rz)               # views: what is projected now becomes r_t and z_t
        m = np.empty_like(n)                # W_hn h_{t-1} + b_hn
        b_hn = b_hh[:, 2 * H :].copy()
        h_prev = h[0]
        for rz_t, r_t, z_t, n_t, m_t, h_t in zip(rz, r, z, n, m, h[1:], strict=True):
            a_t = h_prev.dot(W_hh_T)        # all three gates' at once
            rz_t += a_t[:, : 2 * H]
            np.tanh(rz_t, out=rz_t)
            rz_t *= 0.5
            rz_t += 0.5
            np.add(a_t[:, 2 * H :], b_hn, out=m_t)
            n_t += r_t * m_t
            np.tanh(n_t, out=n_t)
            np.subtract(h_prev, n_t, out=h_t)
            h_t *= z_t
            h_t += n_t                      # n + z (h_prev - n) = (1 - z) n + z h_prev
            h_prev = h_t

        self.remember(X, h, np.array([r, z, n]), m)
        return (rows(h[1:]).dot(p["W_hy"].T) + p["b_y"]).reshape(T, B, -1)

    def backward(self, dY):
        """Backpropagation through time: from dL/dY, (T, B, O), to dL/d(parameter) for every parameter.

        It belongs to the last `forward`: between the two the parameters must stay as they are.
        """
        dY, X, h, (r, z, n), m = self.begin_backward(dY)
        W_hh, W_hy, (T, B, H) = self.params["W_hh"], self.params["W_hy"], m.shape

        # What dL/dh_t is multiplied by to become dL/da_t, a_t = W_hh h_{t-1} + b_hh, for all steps at once.
        dn_dh = (1 - z) * (1 - n**2)        # and, of these, dL/d(W_xn x_t + b_xn)
        dA = np.empty((T, B, 3, H), h.dtype)
        dA[:, :, 0] = dn_dh * m * r * (1 - r)
        dA[:, :, 1] = (h[:-1] - n) * z * (1 - z)
        dA[:, :, 2] = dn_dh * r

        # The walk back, from dY to dL/da_t for every step.
        dH = rows(dY).dot(W_hy).reshape(T, B, H)  # the road through y_t
        carry = 0                           # the roads to h_{t+1}: nothing comes after the last step
        walk = (array[::-1] for array in (dA, dA.reshape(T, B, 3 * H), dH, z))
        for da_t, da_rows_t, dh_t, z_t in zip(*walk, strict=True):
            dh_t += carry                   # dL/dh_t: all roads
            da_t *= dh_t[:, None]
            carry = da_rows_t.dot(W_hh)     # da_rows_t: the same numbers, (B, 3H)
            carry += dh_t * z_t

        # The products: each weight is used at every step of every sequence, so its gradient is a sum over both.
        dZ, dY = dA.reshape(T * B, 3 * H), rows(dY)
        dW_hh, db_hh = dZ.T.dot(rows(h[:-1])), dZ.sum(axis=0)
        np.multiply(dH, dn_dh, out=dA[:, :, 2])  # dZ is dL/d(W_xh x_t + b_xh) from here: no r_t stands before n_t's
        self.remember_walk(dA.reshape(T, B, 3 * H), carry)
        return {
            "W_xh": dZ.T.dot(rows(X)),
            "W_hh": dW_hh,
            "b_xh": dZ.sum(axis=0),
            "b_hh": db_hh,
            "W_hy": dY.T.dot(rows(h[1:])),
            "b_y": dY.sum(axis=0),
        }
