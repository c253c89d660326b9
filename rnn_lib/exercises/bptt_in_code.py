"""Checks of notebook 04's exercises: the backward pass."""

from rnn_lib.bugs.rnn import RNN_SUBJECT
from rnn_lib.exercises.diagnosis import diagnose
from rnn_lib.exercises.verdict import returns_report

__all__ = ["check_backward"]


@returns_report
def check_backward(backward):
    """Check a function `backward(params, X, hidden_states, dY) -> gradients` and say which mistake is in it.

    params         {"W_xh": (H, I), "W_hh": (H, H), "b_h": (H,), "W_hy": (O, H), "b_y": (O,)}
    X, dY          (T, B, I), and dL/dY (T, B, O)
    hidden_states  (T+1, B, H), index 0 the initial state
    gradients      a dict with the keys and shapes of params

    Returns a Report, whatever the function does.
    """
    return diagnose(RNN_SUBJECT, backward)
