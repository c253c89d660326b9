"""The patients whose network is `LSTM`, with X (T, B, I), dY = dL/dY (T, B, O) and what the forward pass left in
`states`: h and c (T+1, B, H), index 0 the initial ones, and the gates i, f, g, o (T, B, H).

`right` (healthy.py) is the healthy one, made of named parts. A patient is a `change` of some parts, so that two of them
can be had at once, or a walk of its own.
"""

from rnn_lib.bugs.lstm import carry, cell, gates, steps, sums  # noqa: F401  (each registers its patients)
from rnn_lib.bugs.lstm.buggy import LSTM_BUGS, BuggyLSTM, states_of
from rnn_lib.bugs.lstm.healthy import right
from rnn_lib.bugs.lstm.kinds import LSTM_KINDS
from rnn_lib.bugs.lstm.subject import LSTM_SUBJECT

__all__ = ["LSTM_BUGS", "LSTM_KINDS", "LSTM_SUBJECT", "BuggyLSTM", "right", "states_of"]
