"""The memoryless baseline: a fully connected network, which sees one step and nothing before it."""

import numpy as np

from rnn_lib.activations import sigmoid
from rnn_lib.ground.validation import check_array, check_choice, check_int, rows_or_steps
from rnn_lib.model import Model

__all__ = ["MLP"]


class MLP(Model):
    """A fully connected network of any depth, with a linear output.

        a_0 = x
        a_k = f(W_k a_{k-1} + b_k)      f is the sigmoid or tanh
        y   = W_n a_{n-1} + b_n

    Parameters are drawn uniformly from +-1/sqrt(inputs of the layer), as `torch.nn.Linear`'s.

        model = MLP(input_size=4, hidden_sizes=(32,), output_size=4)
        Y = model.forward(X)            # (B, I) -> (B, O); or (T, B, I) -> (T, B, O), each step alone
        grads = model.backward(dY)      # same keys and shapes as model.params
    """

    def __init__(self, input_size, hidden_sizes, output_size, activation="sigmoid", seed=0, dtype=np.float64):
        """`hidden_sizes` is a tuple with one size a hidden layer; `activation` is "sigmoid" or "tanh"."""
        shapes = self.shapes(input_size, hidden_sizes, output_size, activation)
        self.input_size, self.output_size = int(input_size), int(output_size)
        self.hidden_sizes, self.activation = tuple(map(int, hidden_sizes)), activation
        fan_in = {f"{letter}_{k}": shapes[f"W_{k}"][1] for k in range(1, self.n_layers + 1) for letter in "Wb"}
        super().__init__(shapes, fan_in, seed, dtype)

    @classmethod
    def shapes(cls, input_size, hidden_sizes, output_size, activation="sigmoid"):
        """Return {name: shape} of all parameters."""
        sizes = [check_int("input_size", input_size)]
        if not isinstance(hidden_sizes, tuple | list):
            raise TypeError(f"hidden_sizes: expected a tuple of whole numbers such as (32,), got {hidden_sizes!r}")
        sizes += [check_int("hidden_sizes", size) for size in hidden_sizes]
        sizes += [check_int("output_size", output_size)]
        check_choice("activation", activation, ("sigmoid", "tanh"))
        shapes = {}
        for k, (n_in, n_out) in enumerate(zip(sizes, sizes[1:], strict=False), start=1):
            shapes[f"W_{k}"], shapes[f"b_{k}"] = (n_out, n_in), (n_out,)
        return shapes

    @property
    def n_layers(self):
        """The number of layers of weights: one more than there are hidden layers."""
        return len(self.hidden_sizes) + 1

    def forward(self, X):
        """Apply the network to every row of X, (B, I) or (T, B, I), and remember what `backward` needs."""
        X = check_array("X", X, rows_or_steps(X, self.input_size), self.working_dtype())
        p = self.params
        a = [X.reshape(-1, self.input_size).copy()]  # the caller may write into X before `backward`
        for k in range(1, self.n_layers):
            z = a[-1].dot(p[f"W_{k}"].T) + p[f"b_{k}"]
            a.append(np.tanh(z) if self.activation == "tanh" else sigmoid(z))
        Y = a[-1].dot(p[f"W_{self.n_layers}"].T) + p[f"b_{self.n_layers}"]
        self._forward = a, X.shape[:-1]
        return Y.reshape(*X.shape[:-1], self.output_size)

    def backward(self, dY):
        """Backpropagation: from dL/dY, in the shape of Y, to dL/d(parameter) for every parameter."""
        a, leading = self.left_by_forward("_forward")
        dz = check_array("dY", dY, (*leading, self.output_size), a[0].dtype).reshape(-1, self.output_size)
        grads = {}
        for k in range(self.n_layers, 0, -1):
            grads[f"W_{k}"], grads[f"b_{k}"] = dz.T.dot(a[k - 1]), dz.sum(axis=0)
            if k > 1:
                f = a[k - 1]
                dz = dz.dot(self.params[f"W_{k}"]) * (1 - f * f if self.activation == "tanh" else f * (1 - f))
        return {name: grads[name] for name in self.params}
