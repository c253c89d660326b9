"""What recurrent models share: everything that is not mathematics.

A recurrent model is a class with two functions and a table of shapes. Its equations stand whole in its own file: the
loop forward in time in `forward`, and the walk back in `backward`, whose file is therefore the answer to "where does
the LSTM's walk back stand?" Here stand the sizes, the checks of arguments, and what a forward pass leaves behind.
"""

import numpy as np

from rnn_lib.ground.validation import check_array, check_int, check_lengths
from rnn_lib.model import Model

__all__ = ["Recurrent", "rows"]


class Recurrent(Model):
    """A network with a hidden state, and a linear output y_t = W_hy h_t + b_y.

    A subclass has

        cell_shapes(I, H)        a static method: {name: shape} of the parameters of its hidden layer
        forward(X, state=None)   begins with `self.begin(X, state)`, and leaves with `self.remember(...)` what
        backward(dY)             begins with: `self.begin_backward(dY)`; it leaves `self.remember_walk(...)`

    Parameters are drawn uniformly from +-1/sqrt(hidden_size), as PyTorch does for a layer of `torch.nn.RNN` and the
    linear layer on top of it. (PyTorch adds up two biases where this course has one.)
    """

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
        """Check the arguments of `forward`. Returns X, (T, B, I), as a copy, and h, (T+1, B, H).

        h[0] is the initial state, zeros if `state` is None; the rest is empty. Both have the parameters' dtype, which
        is complex while a complex step is taken.
        """
        dtype = self.working_dtype()
        X = check_array("X", X, ("T", "B", self.input_size), dtype)
        T, B, _ = X.shape
        h = np.empty((T + 1, B, self.hidden_size), dtype)
        h[0] = 0 if state is None else check_array("state", state, (B, self.hidden_size), dtype)
        self._walk = None  # large: its memory is wanted for the next one
        return X.copy(), h

    def remember(self, X, h, *more):
        """Keep what `backward` needs; nobody may write into the states meanwhile."""
        h.flags.writeable = False
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
        """The input of the last `forward`, (T, B, I)."""
        return self.left_by_forward("_forward")[0]

    @property
    def hidden_states(self):
        """All hidden states of the last `forward`, (T+1, B, H), read-only; index 0 is the initial state."""
        return self.left_by_forward("_forward")[1]

    @property
    def state(self):
        """The hidden state after the last step, a copy, (B, H): pass it to the next `forward` to carry on."""
        return self.state_at(-1)

    def last_state(self, mask):
        """Return the state after each sequence's own last real step; mask, (T, B), as `data.pad` makes it.

        Nothing else in a model needs a mask: padding stands behind the sequences, where it changes nothing real.
        """
        lengths = check_lengths(mask, self.inputs.shape[:2])
        return self.state_at((lengths, np.arange(len(lengths))))

    def state_at(self, index):
        """Return a copy of the state at an index of the hidden states: (B, H)."""
        return self.hidden_states[index].copy()

    def input_gradient(self):
        """Return dL/dX, (T, B, I), after `backward`: dL/dz_t went through W_xh to come from x_t."""
        dZ, _ = self.left_by_backward()
        return rows(dZ).dot(self.params["W_xh"]).reshape(self.inputs.shape)

    def state_gradient(self):
        """Return dL/dh_0, (B, H), after `backward`: the carry that is left when the walk back is done."""
        return self.left_by_backward()[1]

    def left_by_backward(self):
        """Return what `remember_walk` was given, or raise if the last `forward` has had no `backward` yet."""
        self.left_by_forward("_forward")
        if self._walk is None:
            raise ValueError(f"{type(self).__name__}: expected a call of backward before this one")
        return self._walk


def rows(A):
    """Return A, (T, B, n), as (T·B, n): all steps of all sequences one below the other, without a copy."""
    return A.reshape(-1, A.shape[-1])
