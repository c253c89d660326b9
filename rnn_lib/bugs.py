"""The bug clinic: wrong backward passes of the kinds found in real code, each beside the right one.

Every patient is a function `backward(params, X, h, dY) -> grads` for the network

    h_t = tanh(W_xh x_t + W_hh h_{t-1} + b_h),  y_t = W_hy h_t + b_y

with X (T, B, I), h (T+1, B, H), h[0] the initial state, and dY = dL/dY (T, B, O). `right` below is the
healthy one: two lines. A patient repeats them with its mistake in, so its wrong line stands in plain sight.
`BUGS` is the table of all patients by name; `KINDS` says what each kind of mistake is.
"""

from dataclasses import dataclass

import numpy as np

from rnn_lib.rnn import RNN
from rnn_lib.validation import check_choice

BUGS = {}


@dataclass(frozen=True)
class Bug:
    """One patient.

    name      its name in `BUGS`
    kind      the kind of mistake, a name in `KINDS`; several patients may share one
    sentence  what it does wrong
    make      returns a new `backward` function, with a memory of its own if this bug needs one
    """

    name: str
    kind: str
    sentence: str
    make: object

    @property
    def advice(self):
        """The idea to go back to and the line to look at."""
        return KINDS[self.kind]


class BuggyRNN(RNN):
    """An RNN whose backward pass has one bug of `BUGS`; it trains with `fit` like any other model."""

    def __init__(self, bug, input_size, hidden_size, output_size, seed=0, dtype=np.float64):
        """`bug` is a name in `BUGS`; the rest is as in `RNN`."""
        super().__init__(input_size, hidden_size, output_size, seed, dtype)
        self.config = {"bug": bug, **self.config}
        self.bug = BUGS[check_choice("bug", bug, BUGS)]
        self.wrong_backward = self.bug.make()

    def backward(self, dY):
        """The wrong gradients of this bug."""
        return self.wrong_backward(self.params, self.remembered("_X"), self.hidden_states, dY)


def patient(kind):
    """Register a function under its own name as a bug of this kind; its docstring is the sentence."""
    def register(backward):
        name = backward.__name__
        is_class = isinstance(backward, type)  # a class: every instance has its own memory
        BUGS[name] = Bug(name, kind, backward.__doc__, backward if is_class else lambda: backward)
        return backward
    return register


# The right backward pass, in two halves.


def right(params, X, h, dY):
    """No mistake: what every patient below would be without its wrong line."""
    dZ = walk_back(dY @ params["W_hy"], 1 - h[1:] ** 2, params["W_hh"])
    return weight_gradients(X, h[:-1], h[1:], dZ, dY)


def walk_back(dH, tanh_prime, W_hh):
    """Return dL/dz_t for every step, (T, B, H), given dL/dh_t through y_t alone and tanh'(z_t)."""
    dZ, carry = np.empty_like(dH), 0
    for t in reversed(range(len(dH))):
        dZ[t] = (dH[t] + carry) * tanh_prime[t]
        carry = dZ[t] @ W_hh
    return dZ


def weight_gradients(X, h_before, h_after, dZ, dY):
    """Return the gradients, summed over time and batch; h_before holds h_{t-1}, h_after holds h_t."""
    return {
        "W_xh": sum_of_products(dZ, X),
        "W_hh": sum_of_products(dZ, h_before),
        "b_h": dZ.sum(axis=(0, 1)),
        "W_hy": sum_of_products(dY, h_after),
        "b_y": dY.sum(axis=(0, 1)),
    }


def sum_of_products(A, B):
    """Return the sum over all steps and sequences of the outer products of A (T, B, m) and B (T, B, n): (m, n)."""
    return A.reshape(-1, A.shape[-1]).T @ B.reshape(-1, B.shape[-1])


# The carry: the road through h_{t+1}.


@patient("carry_missing")
def carry_missing(params, X, h, dY):
    """Nothing is passed back through time: each step sees only its own error."""
    dZ = (dY @ params["W_hy"]) * (1 - h[1:] ** 2)
    return weight_gradients(X, h[:-1], h[1:], dZ, dY)


@patient("W_hh_untransposed")
def W_hh_untransposed(params, X, h, dY):
    """The carry goes back through W_hh the way the forward pass came, not through its transpose."""
    dZ = walk_back(dY @ params["W_hy"], 1 - h[1:] ** 2, params["W_hh"].T)
    return weight_gradients(X, h[:-1], h[1:], dZ, dY)


@patient("W_hh_missing")
def W_hh_missing(params, X, h, dY):
    """The carry is handed on without going through W_hh at all."""
    dZ = walk_back(dY @ params["W_hy"], 1 - h[1:] ** 2, np.eye(h.shape[-1]))
    return weight_gradients(X, h[:-1], h[1:], dZ, dY)


@patient("wrong_direction")
def wrong_direction(params, X, h, dY):
    """The loop runs forward in time, so the carry comes from the past."""
    dH, tanh_prime = dY @ params["W_hy"], 1 - h[1:] ** 2
    dZ = walk_back(dH[::-1], tanh_prime[::-1], params["W_hh"])[::-1]
    return weight_gradients(X, h[:-1], h[1:], dZ, dY)


@patient("truncated")
def truncated(params, X, h, dY):
    """An error travels over at most 4 steps: its own and the 3 before it."""
    dZ = windowed(4, params, h, dY)
    return weight_gradients(X, h[:-1], h[1:], dZ, dY)


def windowed(steps, params, h, dY):
    """Return dL/dz_t when every error travels over at most so many steps, its own among them."""
    tanh_prime = 1 - h[1:] ** 2
    arriving = (dY @ params["W_hy"]) * tanh_prime
    dZ = arriving.copy()
    for lag in range(1, min(steps, len(dY))):
        arriving = (arriving[1:] @ params["W_hh"]) * tanh_prime[:-lag]  # every error moves one step back
        dZ[:-lag] += arriving
    return dZ


@patient("truncated")
def truncated_in_blocks(params, X, h, dY):
    """The carry starts again from zero every 4 steps."""
    dZ = in_blocks(4, params, h, dY)
    return weight_gradients(X, h[:-1], h[1:], dZ, dY)


def in_blocks(steps, params, h, dY, first=0):
    """Return dL/dz_t when no error crosses the borders first, first + steps, first + 2 steps, …"""
    dH, tanh_prime = dY @ params["W_hy"], 1 - h[1:] ** 2
    borders = [0, *range(first or steps, len(dH), steps), len(dH)]
    blocks = [slice(*pair) for pair in zip(borders, borders[1:], strict=False)]
    return np.concatenate([walk_back(dH[block], tanh_prime[block], params["W_hh"]) for block in blocks])


@patient("clipped")
def clipped(params, X, h, dY):
    """The carry is clipped at every step of the walk back, to numbers between -0.01 and 0.01."""
    dH, tanh_prime = dY @ params["W_hy"], 1 - h[1:] ** 2
    dZ, carry = np.empty_like(dH), 0
    for t in reversed(range(len(dH))):
        dZ[t] = (dH[t] + carry) * tanh_prime[t]
        carry = np.clip(dZ[t] @ params["W_hh"], -0.01, 0.01)
    return weight_gradients(X, h[:-1], h[1:], dZ, dY)


# tanh', the factor from h_t back to z_t.


@patient("double_tanh")
def double_tanh(params, X, h, dY):
    """tanh' is computed from h_t as if that were z_t: tanh is applied twice."""
    dZ = walk_back(dY @ params["W_hy"], 1 - np.tanh(h[1:]) ** 2, params["W_hh"])
    return weight_gradients(X, h[:-1], h[1:], dZ, dY)


@patient("tanh_derivative_missing")
def tanh_derivative_missing(params, X, h, dY):
    """dL/dh_t is used as if it were dL/dz_t: the factor tanh' is nowhere."""
    dZ = walk_back(dY @ params["W_hy"], np.ones_like(h[1:]), params["W_hh"])
    return weight_gradients(X, h[:-1], h[1:], dZ, dY)


@patient("tanh_derivative_missing")
def tanh_derivative_missing_on_carry(params, X, h, dY):
    """Only the error through y_t gets its tanh'; the carry is added after it."""
    dZ = walk_back((dY @ params["W_hy"]) * (1 - h[1:] ** 2), np.ones_like(h[1:]), params["W_hh"])
    return weight_gradients(X, h[:-1], h[1:], dZ, dY)


@patient("tanh_derivative_missing")
def tanh_derivative_missing_on_output(params, X, h, dY):
    """Only the carry gets its tanh'; the error through y_t is added after it."""
    dH, tanh_prime = dY @ params["W_hy"], 1 - h[1:] ** 2
    dZ, carry = np.empty_like(dH), 0
    for t in reversed(range(len(dH))):
        dZ[t] = dH[t] + carry * tanh_prime[t]
        carry = dZ[t] @ params["W_hh"]
    return weight_gradients(X, h[:-1], h[1:], dZ, dY)


@patient("tanh_derivative_missing")
def tanh_derivative_missing_in_weights(params, X, h, dY):
    """The carry is right, but the weights' gradients are made from dL/dh_t instead of dL/dz_t."""
    dH, tanh_prime = dY @ params["W_hy"], 1 - h[1:] ** 2
    for t in reversed(range(len(dH) - 1)):
        dH[t] += (dH[t + 1] * tanh_prime[t + 1]) @ params["W_hh"]
    return weight_gradients(X, h[:-1], h[1:], dH, dY)


@patient("tanh_derivative_missing")
def tanh_derivative_missing_behind_carry(params, X, h, dY):
    """The weights' gradients are right at each step, but the carry leaves without tanh'."""
    dH = walk_back(dY @ params["W_hy"], np.ones_like(h[1:]), params["W_hh"])
    dZ = dH * (1 - h[1:] ** 2)
    return weight_gradients(X, h[:-1], h[1:], dZ, dY)


@patient("tanh_derivative_wrong_side")
def tanh_derivative_wrong_side(params, X, h, dY):
    """The carry is multiplied by W_hh first and by tanh' after: right factors, wrong order."""
    dH, tanh_prime = dY @ params["W_hy"], 1 - h[1:] ** 2
    dZ, carry = np.empty_like(dH), 0
    for t in reversed(range(len(dH))):
        dH_t = dH[t] + carry
        dZ[t] = dH_t * tanh_prime[t]
        carry = (dH_t @ params["W_hh"]) * tanh_prime[t]
    return weight_gradients(X, h[:-1], h[1:], dZ, dY)


@patient("tanh_derivative_wrong_step")
def tanh_derivative_one_step_late(params, X, h, dY):
    """tanh' is taken at h_{t-1}, another step's activation."""
    dZ = walk_back(dY @ params["W_hy"], 1 - h[:-1] ** 2, params["W_hh"])
    return weight_gradients(X, h[:-1], h[1:], dZ, dY)


@patient("tanh_derivative_wrong_step")
def shared_cache(params, X, h, dY):
    """All steps share one cached activation, so that tanh' is that of the last step everywhere."""
    last = np.broadcast_to(h[-1], h[1:].shape)
    dZ = walk_back(dY @ params["W_hy"], 1 - last**2, params["W_hh"])
    return weight_gradients(X, h[:-1], h[1:], dZ, dY)


@patient("wrong_derivative")
def derivative_is_h(params, X, h, dY):
    """h_t itself stands where tanh' belongs."""
    dZ = walk_back(dY @ params["W_hy"], h[1:], params["W_hh"])
    return weight_gradients(X, h[:-1], h[1:], dZ, dY)


@patient("wrong_derivative")
def derivative_of_sigmoid(params, X, h, dY):
    """The sigmoid's derivative, h (1 - h), stands where tanh' belongs."""
    dZ = walk_back(dY @ params["W_hy"], h[1:] * (1 - h[1:]), params["W_hh"])
    return weight_gradients(X, h[:-1], h[1:], dZ, dY)


@patient("wrong_derivative")
def derivative_without_square(params, X, h, dY):
    """1 - h_t stands where tanh' belongs."""
    dZ = walk_back(dY @ params["W_hy"], 1 - h[1:], params["W_hh"])
    return weight_gradients(X, h[:-1], h[1:], dZ, dY)


@patient("wrong_derivative")
def derivative_of_relu(params, X, h, dY):
    """The derivative of ReLU, 1 where h_t > 0, stands where tanh' belongs."""
    dZ = walk_back(dY @ params["W_hy"], (h[1:] > 0).astype(h.dtype), params["W_hh"])
    return weight_gradients(X, h[:-1], h[1:], dZ, dY)


# Which state belongs to which step.


@patient("state_off_by_one")
def state_off_by_one(params, X, h, dY):
    """The gradient of W_hh is made with h_t where h_{t-1} belongs."""
    dZ = walk_back(dY @ params["W_hy"], 1 - h[1:] ** 2, params["W_hh"])
    return weight_gradients(X, h[1:], h[1:], dZ, dY)


@patient("state_off_by_one")
def state_off_by_one_in_W_hy(params, X, h, dY):
    """The gradient of W_hy is made with h_{t-1} where h_t belongs."""
    dZ = walk_back(dY @ params["W_hy"], 1 - h[1:] ** 2, params["W_hh"])
    return weight_gradients(X, h[:-1], h[:-1], dZ, dY)


@patient("state_off_by_one")
def states_one_step_late(params, X, h, dY):
    """Every hidden state is read one step late: h_{t-1} for h_t, and h_{t-2} for h_{t-1} (h_0 at the first step)."""
    late = np.concatenate([h[:1], h[:-1]])
    dZ = walk_back(dY @ params["W_hy"], 1 - late[1:] ** 2, params["W_hh"])
    return weight_gradients(X, late[:-1], late[1:], dZ, dY)


@patient("state_off_by_one")
def first_step_skipped(params, X, h, dY):
    """The loop stops before the first step, whose share is missing from every gradient of the hidden layer."""
    dZ = walk_back(dY @ params["W_hy"], 1 - h[1:] ** 2, params["W_hh"])
    dZ[0] = 0
    return weight_gradients(X, h[:-1], h[1:], dZ, dY)


@patient("state_off_by_one")
def first_step_skipped_everywhere(params, X, h, dY):
    """The loop stops before the first step, whose share is missing from every gradient."""
    dZ = walk_back(dY @ params["W_hy"], 1 - h[1:] ** 2, params["W_hh"])
    return weight_gradients(X[1:], h[1:-1], h[2:], dZ[1:], dY[1:])


@patient("state_off_by_one")
def initial_state_left_out(params, X, h, dY):
    """The gradient of W_hh leaves out the first step, where h_{t-1} is the initial state."""
    dZ = walk_back(dY @ params["W_hy"], 1 - h[1:] ** 2, params["W_hh"])
    zero = np.zeros_like(h[:1])
    return weight_gradients(X, np.concatenate([zero, h[1:-1]]), h[1:], dZ, dY)


@patient("state_off_by_one")
def last_step_skipped(params, X, h, dY):
    """The loop starts one step too early in time: the last step and its error are left out."""
    dZ = walk_back(dY[:-1] @ params["W_hy"], 1 - h[1:-1] ** 2, params["W_hh"])
    return weight_gradients(X[:-1], h[:-2], h[1:-1], dZ, dY[:-1])


@patient("state_wraps")
def state_wraps(params, X, h, dY):
    """At the first step h_{t-1} is read at index -1, which is the last state."""
    dZ = walk_back(dY @ params["W_hy"], 1 - h[1:] ** 2, params["W_hh"])
    return weight_gradients(X, np.roll(h[1:], 1, axis=0), h[1:], dZ, dY)


@patient("state_wraps")
def state_wraps_one_step_late(params, X, h, dY):
    """h_{t-1} is read one index too early, h_{t-2}, which at the first step is index -1, the last state."""
    dZ = walk_back(dY @ params["W_hy"], 1 - h[1:] ** 2, params["W_hh"])
    return weight_gradients(X, np.roll(h, 1, axis=0)[:-1], h[1:], dZ, dY)


@patient("state_wraps")
def all_states_late_and_wrapped(params, X, h, dY):
    """Every hidden state is read one step late, and at the first step h_{t-1} is index -1, the last state."""
    dZ = walk_back(dY @ params["W_hy"], 1 - h[:-1] ** 2, params["W_hh"])
    return weight_gradients(X, np.roll(h, 1, axis=0)[:-1], h[:-1], dZ, dY)


# The error that enters from above.


@patient("error_reinjected")
def error_reinjected(params, X, h, dY):
    """The last step's output error is injected again at every step, in place of each step's own."""
    dH = np.broadcast_to(dY[-1] @ params["W_hy"], h[1:].shape)
    dZ = walk_back(dH, 1 - h[1:] ** 2, params["W_hh"])
    return weight_gradients(X, h[:-1], h[1:], dZ, dY)


@patient("error_reinjected")
def error_reinjected_everywhere(params, X, h, dY):
    """The last step's output error is used at every step, for the output layer's gradients too."""
    dY = np.broadcast_to(dY[-1], dY.shape)
    dZ = walk_back(dY @ params["W_hy"], 1 - h[1:] ** 2, params["W_hh"])
    return weight_gradients(X, h[:-1], h[1:], dZ, dY)


@patient("error_reinjected")
def error_reinjected_on_top(params, X, h, dY):
    """The last step's output error is added at every step, on top of each step's own."""
    dH = (dY + np.concatenate([np.broadcast_to(dY[-1:], dY[:-1].shape), 0 * dY[-1:]])) @ params["W_hy"]
    dZ = walk_back(dH, 1 - h[1:] ** 2, params["W_hh"])
    return weight_gradients(X, h[:-1], h[1:], dZ, dY)


@patient("errors_dropped")
def only_last_error(params, X, h, dY):
    """Only the last step's error enters the walk back; the other steps' errors never reach the hidden layer."""
    dH = np.concatenate([0 * dY[:-1], dY[-1:]]) @ params["W_hy"]
    dZ = walk_back(dH, 1 - h[1:] ** 2, params["W_hh"])
    return weight_gradients(X, h[:-1], h[1:], dZ, dY)


@patient("errors_dropped")
def only_last_error_everywhere(params, X, h, dY):
    """Only the last step's error is used; the other steps' errors are ignored."""
    dY = np.concatenate([0 * dY[:-1], dY[-1:]])
    dZ = walk_back(dY @ params["W_hy"], 1 - h[1:] ** 2, params["W_hh"])
    return weight_gradients(X, h[:-1], h[1:], dZ, dY)


# Summing: over time, over the batch, and not over calls.


@patient("not_zeroed")
class not_zeroed:
    """The gradients of earlier calls are still in the sums."""

    def __init__(self):
        """Before the first call there is nothing to remember."""
        self.sums = None

    def __call__(self, params, X, h, dY):
        """Add this call's gradients to the sums."""
        grads = right(params, X, h, dY)
        if self.sums is not None:
            grads = {name: self.sums[name] + g for name, g in grads.items()}
        self.sums = grads
        return {name: g.copy() for name, g in grads.items()}


@patient("not_zeroed")
class carry_not_zeroed:
    """The walk back starts from the carry that the last call ended with."""

    def __init__(self):
        """Before the first call there is nothing to remember."""
        self.carry = 0

    def __call__(self, params, X, h, dY):
        """Walk back from the carry that was left."""
        dH = dY @ params["W_hy"]
        if np.shape(self.carry) == dH[-1].shape:
            dH[-1] += self.carry
        dZ = walk_back(dH, 1 - h[1:] ** 2, params["W_hh"])
        self.carry = dZ[0] @ params["W_hh"]
        return weight_gradients(X, h[:-1], h[1:], dZ, dY)


@patient("not_summed")
def not_summed(params, X, h, dY):
    """Each step's gradients replace those of the step before: only the loop's last step, t = 1, is left."""
    dZ = walk_back(dY @ params["W_hy"], 1 - h[1:] ** 2, params["W_hh"])
    return weight_gradients(X[:1], h[:1], h[1:2], dZ[:1], dY[:1])


@patient("not_summed")
def not_summed_in_hidden_layer(params, X, h, dY):
    """The hidden layer's gradients are those of t = 1 alone; only the output layer's are summed over time."""
    dZ = walk_back(dY @ params["W_hy"], 1 - h[1:] ** 2, params["W_hh"])
    dZ[1:] = 0
    return weight_gradients(X, h[:-1], h[1:], dZ, dY)


@patient("not_summed")
def only_last_step(params, X, h, dY):
    """The gradients are those of the last time step alone: there is no sum over time."""
    return carry_missing(params, X[-1:], h[-2:], dY[-1:])


@patient("bias_missing")
def b_h_missing(params, X, h, dY):
    """The gradient of b_h stays zero, so that b_h is never trained."""
    grads = right(params, X, h, dY)
    return {**grads, "b_h": np.zeros_like(params["b_h"])}


@patient("bias_missing")
def b_y_missing(params, X, h, dY):
    """The gradient of b_y stays zero, so that b_y is never trained."""
    grads = right(params, X, h, dY)
    return {**grads, "b_y": np.zeros_like(params["b_y"])}


@patient("bias_missing")
def both_biases_missing(params, X, h, dY):
    """The gradients of b_h and b_y stay zero, so that neither bias is ever trained."""
    return b_y_missing(params, X, h, dY) | {"b_h": np.zeros_like(params["b_h"])}


@patient("gradient_transposed")
def gradient_transposed(params, X, h, dY):
    """The gradient of W_hh comes out transposed."""
    grads = right(params, X, h, dY)
    return {**grads, "W_hh": grads["W_hh"].T}


@patient("scale")
def scale(params, X, h, dY):
    """Every gradient is divided by the batch size once more than the loss is."""
    return {name: g / X.shape[1] for name, g in right(params, X, h, dY).items()}


@patient("params_changed")
def updated_in_the_loop(params, X, h, dY):
    """W_hh is updated in the middle of the walk back, and the rest of the walk uses the new one."""
    dH, tanh_prime = dY @ params["W_hy"], 1 - h[1:] ** 2
    dZ, carry = np.empty_like(dH), 0
    for t in reversed(range(len(dH))):
        dZ[t] = (dH[t] + carry) * tanh_prime[t]
        carry = dZ[t] @ params["W_hh"]
        params["W_hh"] -= 0.01 * sum_of_products(dZ[t], h[t])
    return weight_gradients(X, h[:-1], h[1:], dZ, dY)


# What each kind is: the idea to go back to and the line to look at; never the corrected line.
KINDS = {
    "carry_missing": (
        "Each step's error stays at its own step. h_t reaches the loss by two roads, through y_t and through h_{t+1}. "
        "Look at the line where dL/dh_t is put together: which road is missing, or computed and then dropped?"
    ),
    "W_hh_untransposed": (
        "The carry goes through W_hh the wrong way round. The forward pass multiplies by W_hh to get from h_{t-1} to "
        "z_t; the way back swaps inputs and outputs. Look at the line that makes the carry: which index of W_hh is "
        "summed over?"
    ),
    "W_hh_missing": (
        "The carry is handed on without going through W_hh. Look at the line that makes the carry: h_{t-1} enters z_t "
        "multiplied by something."
    ),
    "wrong_direction": (
        "The carry comes from the past. dL/dh_t needs what happens at t+1 first. Look at the order in which your loop "
        "visits the steps."
    ),
    "truncated": (
        "Errors travel back only so far. In full BPTT an error reaches every earlier step. Look at where the loop "
        "over earlier steps ends, and where the carry is set to zero."
    ),
    "clipped": (
        "Something inside the walk back is clipped: twice the error does not give twice the gradient. Clip the "
        "finished gradients, all together, and only after backward. Look for np.clip, a minimum or a norm in the "
        "loop."
    ),
    "double_tanh": (
        "tanh is applied twice. Your tanh' is written for z_t, but what the forward pass kept is h_t = tanh(z_t), "
        "already squashed. Look at the line with tanh': what is it a function of?"
    ),
    "tanh_derivative_missing": (
        "A factor tanh' is missing. Going back from h_t to z_t always passes through tanh, for the error through y_t "
        "and for the carry alike, and before anything reaches a weight. Look at each use of dL/dh_t and dL/dz_t: are "
        "they mixed up?"
    ),
    "tanh_derivative_wrong_side": (
        "The right factors in the wrong order. Between h_{t+1} and h_t the way back meets tanh' of step t+1 first and "
        "W_hh after. Look at the line that makes the carry."
    ),
    "tanh_derivative_wrong_step": (
        "tanh' belongs to another step. Each step has its own h_t and so its own tanh'. Look at the index of the "
        "state in the line with tanh' (hidden_states[0] is the initial state), and at what the steps share."
    ),
    "wrong_derivative": (
        "That is not the derivative of tanh. Look at the line with tanh': differentiate tanh(z) and express it "
        "through h = tanh(z)."
    ),
    "state_off_by_one": (
        "A step or a state is off by one. hidden_states[0] is the initial state, so there is one state more than "
        "there are steps. Look at the index of hidden_states in each product, and at both ends of the loop."
    ),
    "state_wraps": (
        "Index -1 wraps round. At the first step, t - 1 is -1, and NumPy reads that as the last state. Look at the "
        "index of h_{t-1}: hidden_states[0] is the initial state."
    ),
    "error_reinjected": (
        "The last step's output error enters at every step. Each step has its own error dY[t], and it enters once. "
        "Look at the line where the output error joins dL/dh_t: does its index move with the loop?"
    ),
    "errors_dropped": (
        "Only the last step's error is used. The loss depends on the outputs of all steps. Look at where dY enters: "
        "before the loop, or in every round of it?"
    ),
    "not_zeroed": (
        "Something survives from one call to the next. Each call is about its own data and starts from zero. Look at "
        "where the gradient sums and the carry are created: inside backward or outside?"
    ),
    "not_summed": (
        "Only one step's share is left. The same weight is used at every step, so its gradient is a sum over steps. "
        "Look at the lines that store the gradients: do they add, or replace?"
    ),
    "bias_missing": (
        "A bias gets no gradient. It is added at every step and for every sequence. Look at its line: is there one, "
        "and does it add anything?"
    ),
    "gradient_transposed": (
        "A gradient lies on its side. dL/dW has the shape of W: rows are outputs, columns inputs. Look at the order "
        "of the two factors in that product."
    ),
    "scale": (
        "The direction is right, the length is not. The loss already holds its own averaging, and dY carries it: "
        "backward only sums. Look for a division or a factor that does not belong."
    ),
    "params_changed": (
        "backward changes the parameters. It should only read them: the optimiser's step comes after, and the rest of "
        "the walk back needs the old values. Look for an assignment into params."
    ),
}
