"""The table of all bugs, and an RNN that has one."""

from dataclasses import dataclass

import numpy as np

from rnn_lib.rnn import RNN
from rnn_lib.validation import check_choice

BUGS = {}


@dataclass(frozen=True)
class Bug:
    """One patient.

    name      its name in `BUGS`
    kind      the kind of mistake, a name in `KINDS`; several patients may share one
    sentence  what it does wrong
    make      returns a new `backward` function, with a memory of its own if this bug needs one
    """

    name: str
    kind: str
    sentence: str
    make: object


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


def patient(kind):
    """Register a function under its own name as a bug of this kind; its docstring is the sentence."""
    def register(backward):
        name = backward.__name__
        is_class = isinstance(backward, type)  # a class: every instance has its own memory
        BUGS[name] = Bug(name, kind, backward.__doc__, backward if is_class else lambda: backward)
        return backward
    return register
