"""The table of the LSTM's bugs, and an LSTM that has one."""

from functools import partial

from rnn_lib.bugs.lstm.healthy import assemble
from rnn_lib.bugs.patient import Buggy, Bugs, Change
from rnn_lib.lstm import LSTM

__all__ = ["FURTHER_FORMS", "LSTM_BUGS", "BuggyLSTM", "change", "family", "patient", "states_of"]

LSTM_BUGS = Bugs(assemble)
FURTHER_FORMS = set()  # names of the members of a family that are not tried in pairs
patient, change = LSTM_BUGS.patient, LSTM_BUGS.change


def family(kind, name, sentence, changes, choices, say=", ".join, paired=1):
    """Register one patient for each choice, the first few to be `paired`; changes(choice, *arguments) are its changes.

    In `name` {} is the choice, in `sentence` {} is what `say` makes of it: of gates such as "ifo", "i, f, o".
    """
    FURTHER_FORMS.update(name.format(choice) for choice in list(choices)[paired:])
    for choice in choices:
        LSTM_BUGS.add(name.format(choice), kind, sentence.format(say(choice)),
                      Change(assemble, partial(changes, choice)))


class BuggyLSTM(Buggy, LSTM):
    """An LSTM whose backward pass has one bug of `LSTM_BUGS`, by name: BuggyLSTM("forget_gate_missing", …)."""

    bugs = LSTM_BUGS

    def kept(self):
        """What the bugs read: all states and gates."""
        return states_of(self)


def states_of(model):
    """Return what the last forward pass of an LSTM left: {"h", "c": (T+1, B, H), "i", "f", "g", "o": (T, B, H)}."""
    return {"h": model.hidden_states, "c": model.cell_states, **model.gates}
