"""The table of the LSTM's bugs."""

from functools import partial

from rnn_lib.bugs.lstm.healthy import assemble
from rnn_lib.bugs.patient import Bugs, Change

__all__ = ["FURTHER_FORMS", "LSTM_BUGS", "change", "family", "patient"]

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
