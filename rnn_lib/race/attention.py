"""One head of causal attention, the rival of notebook 12: no state, but a look at everything that came before."""

import numpy as np

from rnn_lib.ground.validation import check_array, check_int
from rnn_lib.losses import softmax
from rnn_lib.model import Model

__all__ = ["Attention"]


class Attention(Model):
    """One head of causal attention (Vaswani et al. 2017, arXiv:1706.03762) without positions, and a tanh layer.

        q_t = W_q x_t + b_q,  k_t = W_k x_t,  v_t = W_v x_t          query, key, value: (H,)
        p_ts = softmax over s <= t of q_t . k_s / sqrt(H)            how much step t looks at step s
        h_t = tanh(W_h sum_s p_ts v_s + b_h)
        y_t = W_hy h_t + b_y

    Parameters are drawn uniformly from +-1/sqrt(inputs of the layer).
    """

    def __init__(self, input_size, hidden_size, output_size, seed=0, dtype=np.float64):
        """Sizes are whole numbers I, H, O >= 1; `dtype` is float64 or float32."""
        shapes = self.shapes(input_size, hidden_size, output_size)
        self.input_size, self.hidden_size, self.output_size = map(int, (input_size, hidden_size, output_size))
        fan_in = {name: input_size if name[-1] in "qkv" else hidden_size for name in shapes}
        super().__init__(shapes, fan_in, seed, dtype)

    @classmethod
    def shapes(cls, input_size, hidden_size, output_size):
        """Return {name: shape} of all parameters."""
        I, H = check_int("input_size", input_size), check_int("hidden_size", hidden_size)
        O = check_int("output_size", output_size)
        return {"W_q": (H, I), "b_q": (H,), "W_k": (H, I), "W_v": (H, I), "W_h": (H, H), "b_h": (H,),
                "W_hy": (O, H), "b_y": (O,)}

    def forward(self, X):
        """From X, (T, B, I), to Y, (T, B, O), all steps at once; remembers what `backward` needs."""
        p = self.params
        X = check_array("X", X, ("T", "B", self.input_size), self.working_dtype()).swapaxes(0, 1).copy()  # (B, T, I)
        q, k, v = X @ p["W_q"].T + p["b_q"], X @ p["W_k"].T, X @ p["W_v"].T
        scores = q @ k.swapaxes(1, 2) / np.sqrt(self.hidden_size).astype(self.dtype)                      # (B, T, T)
        scores[:, *np.triu_indices(X.shape[1], 1)] = -1e30                                                # the future
        weights = softmax(scores)
        mixed = weights @ v
        h = np.tanh(mixed @ p["W_h"].T + p["b_h"])
        self._forward = X, q, k, v, weights, mixed, h
        return (h @ p["W_hy"].T + p["b_y"]).swapaxes(0, 1)

    def backward(self, dY):
        """From dL/dY, (T, B, O), to dL/d(parameter) for every parameter."""
        X, q, k, v, weights, mixed, h = self.left_by_forward("_forward")
        dY = check_array("dY", dY, (*X.shape[1::-1], self.output_size), X.dtype).swapaxes(0, 1)
        p = self.params
        dz = (dY @ p["W_hy"]) * (1 - h**2)
        d_mixed = dz @ p["W_h"]
        d_weights = d_mixed @ v.swapaxes(1, 2)
        d_scores = weights * (d_weights - (weights * d_weights).sum(axis=-1, keepdims=True))  # the softmax's Jacobian
        d_scores /= np.sqrt(self.hidden_size).astype(self.dtype)
        dq, dk, dv = d_scores @ k, d_scores.swapaxes(1, 2) @ q, weights.swapaxes(1, 2) @ d_mixed

        def product(d, x):  # summed over all steps of all sequences
            return d.reshape(-1, d.shape[-1]).T @ x.reshape(-1, x.shape[-1])

        return {
            "W_q": product(dq, X), "b_q": dq.sum(axis=(0, 1)), "W_k": product(dk, X), "W_v": product(dv, X),
            "W_h": product(dz, mixed), "b_h": dz.sum(axis=(0, 1)), "W_hy": product(dY, h), "b_y": dY.sum(axis=(0, 1)),
        }
