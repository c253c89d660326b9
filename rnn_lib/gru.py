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
        p, H = self.params, self.hidden_size
        half = self.per_gate(0.5, 0.5, 1)   # sigmoid(z) = tanh(z/2) / 2 + 1/2
        Z = ((rows(X).dot(p["W_xh"].T) + p["b_xh"]) * half).reshape(*X.shape[:2], -1)  # all projections at once
        W_hh_T = np.multiply(p["W_hh"].T, half, order="C")
        b_hh = p["b_hh"] * half
        rz, (r, z, n) = Z[:, :, : 2 * H], np.split(Z, 3, axis=2)  # views: what was projected becomes r_t, z_t and n_t
        m = np.empty_like(h[1:])            # W_hn h_{t-1} + b_hn
        h_prev = h[0]
        for rz_t, r_t, z_t, n_t, m_t, h_t in zip(rz, r, z, n, m, h[1:], strict=True):
            a = h_prev.dot(W_hh_T)
            a += b_hh
            rz_t += a[:, : 2 * H]
            np.tanh(rz_t, out=rz_t)
            rz_t *= 0.5
            rz_t += 0.5
            m_t[...] = a[:, 2 * H :]
            n_t += r_t * m_t
            np.tanh(n_t, out=n_t)
            np.subtract(h_prev, n_t, out=h_t)
            h_t *= z_t
            h_t += n_t                      # n + z (h_prev - n) = (1 - z) n + z h_prev
            h_prev = h_t

        self.remember(X, h, Z, m)
        return (rows(h[1:]).dot(p["W_hy"].T) + p["b_y"]).reshape(*X.shape[:2], -1)

    def backward(self, dY):
        """Backpropagation through time: from dL/dY, (T, B, O), to dL/d(parameter) for every parameter.

        It belongs to the last `forward`: between the two the parameters must stay as they are.
        """
        dY, X, h, gates, m = self.begin_backward(dY)
        W_hh, W_hy = self.params["W_hh"], self.params["W_hy"]
        r, z, n = np.split(gates, 3, axis=2)

        # For all steps at once: what dL/dh_t is multiplied by to become dL/d(W_hh h_{t-1} + b_hh).
        dn = (1 - z) * (1 - n**2)
        dA = np.concatenate([dn * m * r * (1 - r), (h[:-1] - n) * z * (1 - z), dn * r], axis=2)

        # The walk back, from dY to these.
        dH = rows(dY).dot(W_hy).reshape(h[1:].shape)  # the road through y_t
        carry = 0                           # the roads to h_{t+1}: nothing comes after the last step
        for dh_t, dA_t, z_t in zip(dH[::-1], dA[::-1], z[::-1], strict=True):
            dh_t += carry                   # dL/dh_t: all roads
            dA_t.reshape(len(dh_t), 3, -1)[...] *= dh_t[:, None]
            carry = dA_t.dot(W_hh)
            carry += dh_t * z_t

        # The products: each weight is used at every step of every sequence, so its gradient is a sum over both.
        grads = {"W_hh": rows(dA).T.dot(rows(h[:-1])), "b_hh": rows(dA).sum(axis=0)}
        np.multiply(dH, dn, out=dA[:, :, self.gate_rows("n")])  # between W_xn x_t and n_t there is no r_t
        self.remember_walk(dA, carry)
        dZ, dY = rows(dA), rows(dY)
        grads |= {
            "W_xh": dZ.T.dot(rows(X)),
            "b_xh": dZ.sum(axis=0),
            "W_hy": dY.T.dot(rows(h[1:])),
            "b_y": dY.sum(axis=0),
        }
        return {name: grads[name] for name in self.params}
