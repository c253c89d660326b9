"""Nudge anything that an RNN computes, at any step, and see how its loss answers.

This knows no rule of differentiation: it only runs the forward pass. So it can be evidence for a rule.
"""

import numpy as np

from rnn_lib.ground.validation import (
    check_array,
    check_choice,
    check_int,
    check_named_arrays,
    check_same_keys,
    describe,
)

__all__ = ["Example"]

STEP = 1e-30  # of the complex step: its error is of the order of STEP squared, far below rounding
STATES = ("x", "z", "h", "h to z", "h to y", "y")  # "h to z" is the copy of h_t that goes into z_{t+1}


class Example:
    """An RNN with data, and the mean squared error L of its outputs as a function of nudges.

        h_t = tanh(z_t),  z_t = W_xh x_t + W_hh h_{t-1} + b_h,  y_t = W_hy h_t + b_y

    A quantity has a name and a step. The names are "x", "z", "h" and "y"; the two copies of the state, "h to y" and
    "h to z"; and "W_xh", "W_hh", "b_h", "W_hy", "b_y", of which each step has a copy of its own. Steps count from 1;
    "h" and "h to z" have a step 0 too, the initial state. After the last step "h to z" goes nowhere: its slope is 0.
    """

    def __init__(self, params, X, target, state=None):
        """X is (T, B, I), target (T, B, O), `state` the initial hidden state, (B, H), zeros by default.

        `params` is a dict with the five weights of an `RNN`. After this, `h` is (T+1, B, H) and `Y` is (T, B, O).
        """
        (H, I), (O, _) = (matrix(params, name) for name in ("W_xh", "W_hy"))
        shapes = {"W_xh": (H, I), "W_hh": (H, H), "b_h": (H,), "W_hy": (O, H), "b_y": (O,)}
        check_same_keys("params", params, {name: np.empty(shape) for name, shape in shapes.items()})
        self.params = {name: param.copy() for name, param in params.items()}
        self.X = check_array("X", X, ("T", "B", I), float)
        self.target = check_array("target", target, (*self.X.shape[:2], O), float)
        self.state = np.zeros((self.X.shape[1], H))
        if state is not None:
            self.state = check_array("state", state, self.state.shape, float)
        self.h, self.Y = self.forward({})

    def forward(self, nudges):
        """Return the states, (T+1, B, H), and the outputs, (T, B, O), under `nudges`, a dict: (name, step) -> array."""
        if not isinstance(nudges, dict):
            raise TypeError(f"nudges: expected a dict, (name, step) -> array, got {describe(nudges)}")
        for key, nudge in nudges.items():
            if not isinstance(key, tuple) or len(key) != 2:
                raise TypeError(f"nudges: expected keys (name, step), got {describe(key)}")
            try:
                self.list_steps(*key)
            except (TypeError, ValueError) as error:
                raise type(error)(f"nudges[{key!r}], {error}") from None
            check_array(f"nudges[{key!r}]", nudge, self.shape(key[0]))

        def at(name, t, value):
            return value + nudges.get((name, t), 0)

        h, Y = [at("h", 0, self.state)], []
        for t, x_t in enumerate(self.X, start=1):
            W = {name: at(name, t, param) for name, param in self.params.items()}
            z_t = at("x", t, x_t) @ W["W_xh"].T + at("h to z", t - 1, h[-1]) @ W["W_hh"].T + W["b_h"]
            h.append(at("h", t, np.tanh(at("z", t, z_t))))
            Y.append(at("y", t, at("h to y", t, h[-1]) @ W["W_hy"].T + W["b_y"]))
        return np.array(h), np.array(Y)

    def loss(self, nudges):
        """Return L, with each array of `nudges`, a dict: (name, step) -> array, added as soon as its quantity is there.

        What came before a nudge stays as it was; all that comes after it moves along.
        """
        return ((self.forward(nudges)[1] - self.target) ** 2).mean()

    def slope(self, name, steps):
        """Return dL/d(quantity) by the complex step, in the quantity's shape.

        `steps` is a step or several, such as (1, 2, 3): then the quantities of all of them move together.
        """
        steps, slope = self.list_steps(name, steps), np.empty(self.shape(name))
        for index in np.ndindex(slope.shape):
            nudge = np.zeros(slope.shape, complex)
            nudge[index] = 1j * STEP
            slope[index] = self.loss({(name, t): nudge for t in steps}).imag / STEP
        return slope

    def agrees(self, claim, name, steps):
        """True if `claim` is dL/d(quantity) on this example, to 12 digits. Raises ValueError at another shape."""
        slope = self.slope(name, steps)
        return bool(np.allclose(check_array("claim", claim, slope.shape, float), slope, rtol=1e-12, atol=1e-15))

    def check(self, claim, name, steps):
        """Print a derivative that we claim, if the complex step finds the same numbers on this example.

        Raises AssertionError, with both, if it finds others. Agreement is evidence on this example, and no more.
        """
        slope, what = self.slope(name, steps), label(name, self.list_steps(name, steps))
        if not self.agrees(claim, name, steps):
            raise AssertionError(
                f"{what}: you claim {rounded(claim)}, the complex step finds {rounded(slope)}. "
                "Look at the line that computes your claim."
            )
        print(f"{what} = {rounded(claim)}   shape {slope.shape}   complex step: the same")

    def shape(self, name):
        """Return the shape of a quantity at one step. Raises if there is none of this name."""
        if check_choice("name", name, (*STATES, *self.params)) in self.params:
            return self.params[name].shape
        B, I, O = self.X.shape[1], self.X.shape[2], self.target.shape[2]
        return B, {"x": I, "y": O}.get(name, len(self.params["b_h"]))

    def list_steps(self, name, steps):
        """Return a step or several as a list. Raises if there is no quantity of this name at one of them."""
        self.shape(name)
        steps = list(steps) if np.iterable(steps) else [steps]
        if not steps:
            raise ValueError(f"steps: expected a step or several, such as (1, 2, 3), got {steps}")
        first = 0 if name in ("h", "h to z") else 1
        return [check_int("steps", step, minimum=first, maximum=len(self.X)) for step in steps]


def matrix(params, name):
    """Return the shape of one of the two matrices that tell the sizes."""
    if name not in check_named_arrays("params", params):
        raise ValueError(f"params: expected the weights of an RNN, with {name} among them, got {', '.join(params)}")
    return check_array(f"params[{name!r}]", params[name], ("out", "in")).shape


def label(name, steps):
    """The derivative's name in print: dL/dh_2, dL/dh_2 (copy to y), dL/dW_hh (copies 1, 2, 3)."""
    if name not in STATES:
        return f"dL/d{name} ({'copy' if len(steps) == 1 else 'copies'} {', '.join(map(str, steps))})"
    letter, _, use = name.partition(" ")
    return f"dL/d{letter}_{', '.join(map(str, steps))}" + f" (copy {use})" * bool(use)


def rounded(array):
    """Numbers as a list, to four decimals, without a negative zero."""
    return (np.round(array, 4) + 0.0).tolist()
