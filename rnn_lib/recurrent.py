"""What recurrent models share: everything that is not mathematics.

A recurrent model is a class with two functions and a table of shapes. Its equations stand whole in its own file: the
loop forward in time in `forward`, and the walk back in `backward`, whose file is therefore the answer to "where does
the LSTM's walk back stand?" Here stand the sizes, the checks of arguments, and what a forward pass leaves behind.
"""

import numpy as np

from rnn_lib.ground.validation import check_array, check_choice, check_int, check_lengths, describe
from rnn_lib.model import Model

__all__ = ["Gated", "Recurrent", "rows"]


class Recurrent(Model):
    """A network with a hidden state, and a linear output y_t = W_hy h_t + b_y.

    A subclass has

        cell_shapes(I, H)        a static method: {name: shape} of the parameters of its hidden layer
        forward(X, state=None)   begins with `self.begin(X, state)`, and leaves with `self.remember(...)` what
        backward(dY)             begins with: `self.begin_backward(dY)`; it leaves `self.remember_walk(...)`
        state_names              what it carries from step to step: ("h",), or ("h", "c") for a state that is a pair

    Parameters are drawn uniformly from +-1/sqrt(hidden_size), as PyTorch does for a layer of `torch.nn.RNN` and the
    linear layer on top of it. (PyTorch adds up two biases where the RNN and the LSTM of this course have one.)
    """

    state_names = ("h",)
    input_weights = ("W_xh",)  # those that read x_t, in the order in which their dL/dz_t lie side by side

    def __init__(self, input_size, hidden_size, output_size, seed=0, dtype=np.float64):
        """Sizes are whole numbers I, H, O >= 1; `dtype` is float64 or float32."""
        shapes = self.shapes(input_size, hidden_size, output_size)
        self.input_size, self.hidden_size, self.output_size = map(int, (input_size, hidden_size, output_size))
        super().__init__(shapes, hidden_size, seed, dtype)

    @classmethod
    def shapes(cls, input_size, hidden_size, output_size, **others):
        """Return {name: shape} of all parameters; further arguments that a subclass has change no shape."""
        I = check_int("input_size", input_size)
        H = check_int("hidden_size", hidden_size)
        O = check_int("output_size", output_size)
        return cls.cell_shapes(I, H) | {"W_hy": (O, H), "b_y": (O,)}

    def begin(self, X, state):
        """Check the arguments of `forward`. Returns X, (T, B, I), as a copy, and for each state (T+1, B, H).

        Index 0 is the initial state, zeros if `state` is None; the rest is empty. All have the parameters' dtype, which
        is complex while a complex step is taken.
        """
        dtype = self.working_dtype()
        X = check_array("X", X, ("T", "B", self.input_size), dtype)
        T, B, _ = X.shape
        first = self.check_state(state, (B, self.hidden_size), dtype)
        self._walk = None  # all is well: the memory of the last call, which may be large, is wanted for this one
        self.__dict__.pop("_forward", None)
        states = [np.empty((T + 1, B, self.hidden_size), dtype) for _ in first]
        for steps, value in zip(states, first, strict=True):
            steps[0] = value
        return X.copy(), *states

    def check_state(self, state, shape, dtype):
        """Return the parts of an initial state, each of this shape; zeros for None."""
        names = self.state_names
        if state is None:
            return [0] * len(names)
        if len(names) == 1:
            return [check_array("state", state, shape, dtype)]
        if not isinstance(state, tuple | list) or len(state) != len(names):
            raise TypeError(f"state: expected a tuple ({', '.join(names)}) of arrays, got {describe(state)}")
        return [check_array(f"state, {name}", part, shape, dtype) for name, part in zip(names, state, strict=True)]

    def remember(self, X, h, *more):
        """Keep what `backward` needs, the states after X; nobody may write into them meanwhile."""
        for array in (X, h, *more):
            array.setflags(write=False)
        self._forward = (X, h, *more)

    def begin_backward(self, dY):
        """Check the argument of `backward`. Returns it, and all that `remember` was given."""
        X, h, *more = self.left_by_forward("_forward")
        return check_array("dY", dY, (*X.shape[:2], self.output_size), X.dtype), X, h, *more

    def remember_walk(self, dZ, d_state):
        """Keep dL/dz for all steps, (T, B, ...), and dL/d(initial state): the gradients of input and state."""
        self._walk = dZ, d_state

    @property
    def inputs(self):
        """The input of the last `forward`, (T, B, I), read-only."""
        return self.left_by_forward("_forward")[0]

    @property
    def hidden_states(self):
        """All hidden states of the last `forward`, (T+1, B, H), read-only; index 0 is the initial state."""
        return self.left_by_forward("_forward")[1]

    @property
    def state(self):
        """The state after the last step, a copy, (B, H): pass it to the next `forward` to carry on.

        It is a tuple where the model carries more than one: (h, c).
        """
        return self.state_at(-1)

    def last_state(self, mask):
        """Return the state after each sequence's own last real step; mask, (T, B), as `data.pad` makes it.

        Nothing else in a model needs a mask: padding stands behind the sequences, where it changes nothing real.
        """
        lengths = check_lengths(mask, self.inputs.shape[:2])
        return self.state_at((lengths, np.arange(len(lengths))))

    def state_at(self, index):
        """Return a copy of the state at an index of all states, in the form of `state`."""
        states = self.left_by_forward("_forward")[1 : 1 + len(self.state_names)]
        chosen = tuple(steps[index].copy() for steps in states)
        return chosen if len(chosen) > 1 else chosen[0]

    def input_gradient(self):
        """Return dL/dX, (T, B, I), after `backward`: dL/dz_t goes back to x_t through the weights that read it."""
        dZ, _ = self.left_by_backward()
        W = np.concatenate([self.params[name] for name in self.input_weights])
        return rows(dZ).dot(W).reshape(self.inputs.shape)

    def state_gradient(self):
        """Return dL/d(initial state) after `backward`: the carry that is left when the walk back is done.

        It has the form of `state`: (B, H), or a tuple of these.
        """
        return self.left_by_backward()[1]

    def left_by_backward(self):
        """Return what `remember_walk` was given, or raise if the last `forward` has had no `backward` yet."""
        self.left_by_forward("_forward")
        if self._walk is None:
            raise ValueError(f"{type(self).__name__}: expected a call of backward before this one")
        return self._walk


class Gated(Recurrent):
    """A recurrent network with gates: the rows of its weights are stacked gate by gate, H rows each.

        gate_names      their names, in this order
        keeping         the gate that says how much of the state is kept: its bias decides how long at the start
        writing         the gate that says how much is written, if that is another one
    """

    gate_names = ()
    keeping = writing = None

    def gate_rows(self, name):
        """Return the slice of one gate's rows: `model.params["b_h"][model.gate_rows("f")]` is its bias, (H,)."""
        k = self.gate_names.index(check_choice("name", name, self.gate_names))
        return slice(k * self.hidden_size, (k + 1) * self.hidden_size)

    @property
    def gates(self):
        """The gates of the last `forward`: {name: its values, (T, B, H), read-only}."""
        return dict(zip(self.gate_names, self.left_by_forward("_forward")[1 + len(self.state_names)], strict=True))

    def split(self, Z):
        """Return a view of each gate's part of Z, (T, B, k·H): k arrays (T, B, H)."""
        H = self.hidden_size
        return [Z[:, :, start : start + H] for start in range(0, Z.shape[2], H)]

    def per_gate(self, *numbers):
        """Return one number a gate as one number a row, (k·H,)."""
        return np.repeat(np.array(numbers, self.dtype), self.hidden_size)


def rows(A):
    """Return A, (T, B, n), as (T·B, n): all steps of all sequences one below the other, without a copy."""
    return A.reshape(-1, A.shape[-1])
