"""The bug clinic: wrong backward passes of the kinds found in real code, each beside the right one.

One folder a network: `rnn/`, `lstm/`, `mingru/`. Where do I add a mistake to the diagnosis? Here, and nowhere else:

1. Write it as a function of the arguments of a backward pass, in the file of the network's folder that it belongs to.
   If something wrong stands in the place of a part of the right pass (`healthy.py` names the parts), return
   {part: what stands there} and decorate it with `@change(kind)`; else return the gradients, with `@patient(kind)`.
   Its docstring is the sentence that the clinic shows.
2. If no kind in `kinds.py` says what it is, add one: the idea to go back to and the line to look at.

That is all. `BUGS` and `LSTM_BUGS` are the tables of all patients by name. `BuggyRNN` and `BuggyLSTM`, the clinic and
the checks of the exercises take them from there, and the tests ask of each new one that gradient checking rejects it,
that the diagnosis names it, and that no patient of another kind leaves the same gradients.
"""

from rnn_lib.bugs.kinds import KINDS
from rnn_lib.bugs.lstm import LSTM_BUGS, LSTM_KINDS, BuggyLSTM
from rnn_lib.bugs.patient import Bug
from rnn_lib.bugs.rnn import BUGS, BuggyRNN, right

__all__ = ["BUGS", "KINDS", "LSTM_BUGS", "LSTM_KINDS", "Bug", "BuggyLSTM", "BuggyRNN", "right"]
