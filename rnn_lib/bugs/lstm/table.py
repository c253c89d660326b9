"""The table of the LSTM's bugs."""

from functools import partial

from rnn_lib.bugs.lstm.healthy import assemble
from rnn_lib.bugs.patient import Bugs, Change

__all__ = ["LSTM_BUGS", "change", "family", "patient"]

LSTM_BUGS = Bugs(assemble)
patient, change = LSTM_BUGS.patient, LSTM_BUGS.change


def family(kind, name, sentence, changes, choices, say=", ".join):
    """Register one patient for each choice: its changes are those of changes(choice, *arguments).

    In `name` {} is the choice, in `sentence` {} is what `say` makes of it: of gates such as "ifo", "i, f, o".
    """
    for choice in choices:
        LSTM_BUGS.add(name.format(choice), kind, sentence.format(say(choice)),
                      Change(assemble, partial(changes, choice)))
