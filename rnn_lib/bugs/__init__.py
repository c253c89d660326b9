"""The bug clinic: wrong backward passes of the kinds found in real code, each beside the right one.

One folder a network; today there is `rnn/`. Where do I add a mistake to the diagnosis? Here, and nowhere else:

1. Write it as a function `backward(params, X, h, dY) -> grads` in the file of `rnn/` that it belongs to, by the part of
   the backward pass that goes wrong: two lines, those of the right pass (`rnn/healthy.py`) with the mistake in.
   Decorate it with `@patient(kind)`. Its docstring is the sentence that the clinic shows.
2. If no kind in `kinds.py` says what it is, add one: the idea to go back to and the line to look at.

That is all. `BUGS` is the table of all patients by name. `BuggyRNN`, the clinic's panel and `exercises.check_backward`
take them from there, and the tests ask of each new one that gradient checking rejects it, that the diagnosis names it,
and that no patient of another kind leaves the same gradients.
"""

from rnn_lib.bugs.kinds import KINDS
from rnn_lib.bugs.patient import Bug
from rnn_lib.bugs.rnn import BUGS, BuggyRNN, right

__all__ = ["BUGS", "KINDS", "Bug", "BuggyRNN", "right"]
