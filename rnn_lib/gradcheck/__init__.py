"""Is a backward pass right? Its gradients against numerical ones.

A model is anything with `params` (a dict of arrays), `forward(X)` or `forward(X, state)`, and `backward(dY)`. It is
never changed: all the work is done on copies. probe.py nudges the parameters and differentiates, comparison.py compares
one call, suspects.py finds who is to blame, and check.py makes checks of these, whose findings.py says what was found.
"""

from rnn_lib.gradcheck.check import check_direction, check_gradients, numerical_gradients
from rnn_lib.gradcheck.findings import Direction, GradientReport

__all__ = ["Direction", "GradientReport", "check_direction", "check_gradients", "numerical_gradients"]
