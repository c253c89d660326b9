"""The bug clinic: wrong backward passes of the kinds found in real code, each beside the right one.

Every patient is a function `backward(params, X, h, dY) -> grads` for the network

    h_t = tanh(W_xh x_t + W_hh h_{t-1} + b_h),  y_t = W_hy h_t + b_y

with X (T, B, I), h (T+1, B, H), h[0] the initial state, and dY = dL/dY (T, B, O). `right` (healthy.py) is the
healthy one: two lines. A patient repeats them with its mistake in, so its wrong line stands in plain sight.
`BUGS` is the table of all patients by name; `KINDS` says what each kind of mistake is.
"""

from rnn_lib.bugs import carry, errors, states, sums, tanh  # noqa: F401  (each registers its patients in BUGS)
from rnn_lib.bugs.healthy import right
from rnn_lib.bugs.kinds import KINDS
from rnn_lib.bugs.patient import BUGS, Bug, BuggyRNN

__all__ = ["BUGS", "KINDS", "Bug", "BuggyRNN", "right"]
