"""The patients whose network is `MinGRU`, with X (T, B, I), h (T+1, B, H), h[0] the initial state, dY (T, B, O):

    z_t = sigmoid(W_z x_t + b_z),  c_t = W_c x_t + b_c,  h_t = (1 - z_t) h_{t-1} + z_t c_t,  y_t = W_hy h_t + b_y

Each is the right pass, `assemble` in patients.py, with another thing in the place of one of its parts. Notebook 12's
exercise is examined by them.
"""

from rnn_lib.bugs.mingru.patients import MINGRU_BUGS, right
from rnn_lib.bugs.mingru.subject import MINGRU_SUBJECT

__all__ = ["MINGRU_BUGS", "MINGRU_SUBJECT", "right"]
