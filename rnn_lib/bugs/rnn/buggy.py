"""The table of the RNN's bugs, and an RNN that has one."""

import numpy as np

from rnn_lib.bugs.patient import Bugs
from rnn_lib.bugs.rnn.healthy import assemble
from rnn_lib.ground.validation import check_choice
from rnn_lib.rnn import RNN

__all__ = ["BUGS", "BuggyRNN", "change", "patient"]

BUGS = Bugs(assemble)
patient, change = BUGS.patient, BUGS.change


class BuggyRNN(RNN):
    """An RNN whose backward pass has one bug of `BUGS`; it trains with `fit` like any other model."""

    def __init__(self, bug, input_size, hidden_size, output_size, seed=0, dtype=np.float64):
        """`bug` is a name in `BUGS`; the rest is as in `RNN`."""
        super().__init__(input_size, hidden_size, output_size, seed, dtype)
        self.bug = BUGS[check_choice("bug", bug, BUGS)]
        self.wrong_backward = self.bug.make()

    @property
    def config(self):
        """The constructor's arguments, the bug by its name."""
        return super().config | {"bug": self.bug.name}

    def backward(self, dY):
        """The wrong gradients of this bug."""
        return self.wrong_backward(self.params, self.inputs, self.hidden_states, dY)
