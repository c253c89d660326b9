"""The table of the RNN's bugs, and an RNN that has one."""

from rnn_lib.bugs.patient import Buggy, Bugs
from rnn_lib.bugs.rnn.healthy import assemble
from rnn_lib.rnn import RNN

__all__ = ["BUGS", "BuggyRNN", "change", "patient"]

BUGS = Bugs(assemble)
patient, change = BUGS.patient, BUGS.change


class BuggyRNN(Buggy, RNN):
    """An RNN whose backward pass has one bug of `BUGS`, by name: BuggyRNN("double_tanh", input_size=1, …)."""

    bugs = BUGS

    def kept(self):
        """What the bugs read: all hidden states."""
        return self.hidden_states
