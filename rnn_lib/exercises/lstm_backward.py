"""The check of a learner's backward pass of the LSTM (notebook 09)."""

from rnn_lib.bugs.lstm import LSTM_SUBJECT
from rnn_lib.exercises.diagnosis import diagnose
from rnn_lib.exercises.verdict import returns_report

__all__ = ["check_lstm_backward"]


@returns_report
def check_lstm_backward(backward):
    """Check a function `backward(params, X, states, dY) -> gradients` of the LSTM and say which mistake is in it.

    params     {"W_xh": (4H, I), "W_hh": (4H, H), "b_h": (4H,), "W_hy": (O, H), "b_y": (O,)},
               the rows of the gates in the order i, f, g, o
    X, dY      (T, B, I), and dL/dY (T, B, O)
    states     {"h": (T+1, B, H), "c": (T+1, B, H), "i", "f", "g", "o": (T, B, H)}, index 0 of h and c the initial ones
    gradients  a dict with the keys and shapes of params

    Returns a Report, whatever the function does.
    """
    return diagnose(LSTM_SUBJECT, backward)
