"""The patients whose network is `RNN`, with X (T, B, I), h (T+1, B, H), h[0] the initial state, dY = dL/dY (T, B, O):

    h_t = tanh(W_xh x_t + W_hh h_{t-1} + b_h),  y_t = W_hy h_t + b_y

`right` (healthy.py) is the healthy one, made of named parts. A patient is a `change` of some parts, so that its mistake
stands in plain sight and two of them can be had at once, or a backward pass of its own.
"""

from rnn_lib.bugs.rnn import carry, output_errors, states, sums, tanh  # noqa: F401  (each registers its patients)
from rnn_lib.bugs.rnn.buggy import BUGS, BuggyRNN
from rnn_lib.bugs.rnn.healthy import right
from rnn_lib.bugs.rnn.subject import RNN_SUBJECT

__all__ = ["BUGS", "RNN_SUBJECT", "BuggyRNN", "right"]
