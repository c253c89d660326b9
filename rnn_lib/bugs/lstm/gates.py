"""The gates: each gate's partner in the product, and the slope of its sigmoid or tanh."""

from itertools import combinations, permutations

import numpy as np

from rnn_lib.bugs.lstm.buggy import change, family
from rnn_lib.bugs.lstm.healthy import GATES, parts

__all__ = [
    "slopes_missing", "slopes_missing_in_weights", "slopes_missing_in_carry", "slopes_of_slopes", "slopes_wrong",
    "partners_missing", "cell_not_squashed", "hidden_for_cell_in_output_gate", "input_gate_swapped",
    "input_gate_swapped_in_slopes", "input_gate_swapped_in_arguments", "input_gate_swapped_in_partner_of",
    "gates_swapped", "gates_swapped_in_carry",
]

SIGMOIDS = ["ifo", *"ifo", "if", "io", "fo"]
ALL_BUT_IDENTITY = list(permutations(range(4)))[1:]


def slopes_missing(gates, params, X, states, dY):
    """Return the change: the slopes of these gates are 1."""
    return {f"slope_{gate}": np.ones_like(states[gate]) for gate in gates}


def slopes_missing_in_weights(gates, params, X, states, dY):
    """Return the change: the slopes of these gates are 1 in the weights' gradients, and right on the way back."""
    return {"weights": slopes_missing(gates, params, X, states, dY)}


def slopes_missing_in_carry(gates, params, X, states, dY):
    """Return the change: the slopes of these gates are 1 on the way back, and right in the weights' gradients."""
    right, wrong = parts(params, X, states, dY), slopes_missing(gates, params, X, states, dY)
    return wrong | {"weights": {name: right[name] for name in wrong}}


for kind, sets, which in (("sigmoid_derivative_missing", SIGMOIDS, "sigmoid' of {}"),
                          ("tanh_derivative_missing", ["g"], "tanh' of {}")):
    family(kind, kind + "_in_{}", f"The factor {which} is missing.", slopes_missing, sets, paired=4)
    family(kind, kind + "_in_weights_of_{}", f"The walk back is right, and the weights' gradients lack {which}.",
           slopes_missing_in_weights, sets)
    family(kind, kind + "_in_carry_of_{}", f"The weights' gradients have their factors, the carry lacks {which}.",
           slopes_missing_in_carry, sets)


def slopes_of_slopes(gates, params, X, states, dY):
    """Return the change: the slopes of these gates are computed as if the activation were the pre-activation."""
    def slope(gate, a):
        a = np.tanh(a) if gate == "g" else 1 / (1 + np.exp(-a))
        return 1 - a**2 if gate == "g" else a * (1 - a)

    return {f"slope_{gate}": slope(gate, states[gate]) for gate in gates}


def slopes_wrong(choice, params, X, states, dY):
    """Return the change: another function stands where the slopes of these gates belong."""
    gates, form = choice
    return {f"slope_{gate}": FORMS[form](states[gate]) for gate in gates}


FORMS = {
    "1 - a²": lambda a: 1 - a**2, "a (1 - a)": lambda a: a * (1 - a), "a": lambda a: a, "1 - a": lambda a: 1 - a,
    "a (1 + a)": lambda a: a * (1 + a), "1 + a²": lambda a: 1 + a**2, "1 / (a (1 - a))": lambda a: 1 / (a * (1 - a)),
}
family("double_sigmoid", "double_sigmoid_in_{}", "sigmoid' of {} is computed from the gate as if that were z_t.",
       slopes_of_slopes, SIGMOIDS)
family("double_tanh", "double_tanh_in_{}", "tanh' of {} is computed from g_t as if that were z_t.",
       slopes_of_slopes, "g")
for choices in ([(gates, form) for gates in SIGMOIDS for form in FORMS if form != "a (1 - a)"],
                [("g", form) for form in ("a (1 - a)", "a", "1 - a", "1 + a²")]):
    family("wrong_derivative", "slope_as {}", "The slope of {}, where a is the gate's value.", slopes_wrong, choices,
           say=lambda choice: f"{', '.join(choice[0])} is taken as {choice[1]}")


def partners_missing(gates, params, X, states, dY):
    """Return the change: what these gates are multiplied by in the forward pass is left out."""
    return {f"to_{gate}": np.ones_like(states[gate]) for gate in gates}


family("partner_missing", "partner_of_{}_missing", "The product rule is left out: the gradient of {} lacks the factor "
       "that stands beside the gate in the forward pass.", partners_missing,
       ["".join(gates) for n in range(1, 5) for gates in combinations(GATES, n)])


@change("output_gate_partner")
def cell_not_squashed(params, X, states, dY):
    """The output gate's gradient is made with c_t where tanh(c_t) belongs."""
    return {"to_o": states["c"][1:]}


@change("output_gate_partner")
def hidden_for_cell_in_output_gate(params, X, states, dY):
    """The output gate's gradient is made with h_t, which is o_t tanh(c_t), where tanh(c_t) belongs."""
    return {"to_o": states["h"][1:]}


@change("input_gate_swapped")
def input_gate_swapped(params, X, states, dY):
    """The gradient of i is made with i where g belongs, and that of g with g where i belongs."""
    return {"to_i": states["i"], "to_g": states["g"]}


def input_gate_swapped_in_partner_of(gate, params, X, states, dY):
    """Return the change: the gradient of i, or of g, is made with the gate itself instead of the other one."""
    return {f"to_{gate}": states[gate]}


family("input_gate_swapped", "input_gate_swapped_in_partner_of_{}", "The gradient of {} is made with the gate itself "
       "instead of its partner.", input_gate_swapped_in_partner_of, "ig")


@change("input_gate_swapped")
def input_gate_swapped_in_slopes(params, X, states, dY):
    """The slopes of i and g are exchanged: tanh' of g stands in the gradient of i, sigmoid' of i in that of g."""
    i, g = states["i"], states["g"]
    return {"slope_i": 1 - g**2, "slope_g": i * (1 - i)}


@change("input_gate_swapped")
def input_gate_swapped_in_arguments(params, X, states, dY):
    """The slope of i is computed from g, and that of g from i."""
    i, g = states["i"], states["g"]
    return {"slope_i": g * (1 - g), "slope_g": 1 - i**2}


def gates_swapped(order, params, X, states, dY):
    """Return the change: the gates' gradients are right, and stand in the rows of other gates."""
    return {"order": order}


def gates_swapped_in_carry(order, params, X, states, dY):
    """Return the change: the gates stand in another order already when they go through W_hh."""
    squares = np.split(params["W_hh"], 4)
    return {"order": order, "W_hh": np.concatenate([squares[order.index(k)] for k in range(4)])}


def gate_order(order):
    """Say an order of the gates."""
    return ", ".join(GATES[k] for k in order)


family("gates_swapped", "gates_swapped {}", "The gradients are right, and in the wrong rows: in the order {}.",
       gates_swapped, ALL_BUT_IDENTITY, say=gate_order)
family("gates_swapped", "gates_swapped_in_carry {}",
       "The gates are stacked in the order {}, for the weights' gradients and for the carry alike.",
       gates_swapped_in_carry, ALL_BUT_IDENTITY, say=gate_order)
