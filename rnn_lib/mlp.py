"""The memoryless baseline: a fully connected network, which sees one step and nothing before it."""

import numpy as np

from rnn_lib.model import Model
from rnn_lib.validation import check_array, check_choice, check_int, shape_of


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
        self.input_size = check_int("input_size", input_size)
        if not isinstance(hidden_sizes, tuple | list):
            raise TypeError(f"hidden_sizes: expected a tuple of whole numbers such as (32,), got {hidden_sizes!r}")
        self.hidden_sizes = tuple(check_int("hidden_sizes", size) for size in hidden_sizes)
        self.output_size = check_int("output_size", output_size)
        self.activation = check_choice("activation", activation, ("sigmoid", "tanh"))
        sizes = [self.input_size, *self.hidden_sizes, self.output_size]
        self.n_layers = len(sizes) - 1
        shapes, bound = {}, {}
        for k, (n_in, n_out) in enumerate(zip(sizes, sizes[1:], strict=False), start=1):
            shapes[f"W_{k}"], shapes[f"b_{k}"] = (n_out, n_in), (n_out,)
            bound[f"W_{k}"] = bound[f"b_{k}"] = 1 / np.sqrt(n_in)
        config = {name: getattr(self, name) for name in ("input_size", "hidden_sizes", "output_size", "activation")}
        super().__init__(config, shapes, bound, seed, dtype)

    def forward(self, X):
        """Apply the network to every row of X, (B, I) or (T, B, I), and remember what `backward` needs."""
        p = self.params
        ranks = ("B", self.input_size) if len(shape_of(X)) == 2 else ("T", "B", self.input_size)
        X = check_array("X", X, ranks, np.result_type(self.dtype, *p.values()))
        a = [X.reshape(-1, self.input_size).copy()]  # the caller may write into X before `backward`
        for k in range(1, self.n_layers):
            z = a[-1].dot(p[f"W_{k}"].T) + p[f"b_{k}"]
            # sigmoid(z) = (1 + tanh(z/2)) / 2, a form that no z makes overflow
            a.append(np.tanh(z) if self.activation == "tanh" else 0.5 * (1 + np.tanh(0.5 * z)))
        self._a, self._leading = a, X.shape[:-1]
        Y = a[-1].dot(p[f"W_{self.n_layers}"].T) + p[f"b_{self.n_layers}"]
        return Y.reshape(*self._leading, self.output_size)

    def backward(self, dY):
        """Backpropagation: from dL/dY, in the shape of Y, to dL/d(parameter) for every parameter."""
        a = self.remembered("_a")
        dz = check_array("dY", dY, (*self._leading, self.output_size), a[0].dtype).reshape(-1, self.output_size)
        grads = {}
        for k in range(self.n_layers, 0, -1):
            grads[f"W_{k}"], grads[f"b_{k}"] = dz.T.dot(a[k - 1]), dz.sum(axis=0)
            if k > 1:
                f = a[k - 1]
                dz = dz.dot(self.params[f"W_{k}"]) * (1 - f * f if self.activation == "tanh" else f * (1 - f))
        return {name: grads[name] for name in self.params}
