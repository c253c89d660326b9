"""The cell: the roads from h_t to c_t, and from c_t back to c_{t-1}."""

import numpy as np

from rnn_lib.bugs.lstm.buggy import change, family, patient
from rnn_lib.bugs.lstm.healthy import finish, local, parts

__all__ = [
    "cell_carry_missing", "cell_carry_missing_in_gates", "cell_carry_not_handed_on", "cell_carry_through_tanh",
    "cell_carry_through_output_gate", "cell_carry_into_hidden", "forget_gate_missing", "forget_gate_late",
    "forget_gate_early", "forget_gate_early_and_wrapped", "output_gate_late", "output_gate_early", "kept_by_another",
    "opened_by_another", "kept_by_slope", "kept_by_rest", "output_gate_missing", "hidden_to_cell_missing",
    "output_gate_from_cell", "tanh_of_cell_missing", "tanh_of_cell_wrong", "joined",
]


@change("cell_carry_missing")
def cell_carry_missing(params, X, states, dY):
    """Nothing comes back through c_{t+1}: dL/dc_t is what comes through h_t alone."""
    return {"keep": 0 * states["f"]}


@patient("cell_carry_missing")
def cell_carry_missing_in_gates(params, X, states, dY):
    """What comes back through c_{t+1} is handed on, and never reaches the gates."""
    part = parts(params, X, states, dY)
    return finish(part, joined(part, gates=lambda own, carried: own))


@patient("cell_carry_not_handed_on")
def cell_carry_not_handed_on(params, X, states, dY):
    """What comes back through c_{t+1} reaches c_t and its gates, and is not handed on from there to c_{t-1}."""
    part = parts(params, X, states, dY)
    return finish(part, joined(part, hands_on=lambda own, carried: own))


@patient("cell_carry_wrong_place")
def cell_carry_through_tanh(params, X, states, dY):
    """What comes back through c_{t+1} is multiplied by tanh' as well."""
    part = parts(params, X, states, dY)
    return finish(part, joined(part, enters=lambda t: part["slope_c"][t]))


@patient("cell_carry_wrong_place")
def cell_carry_through_output_gate(params, X, states, dY):
    """What comes back through c_{t+1} is multiplied by o_t and by tanh' as well."""
    part = parts(params, X, states, dY)
    return finish(part, joined(part, enters=lambda t: part["to_c"][t] * part["slope_c"][t]))


@patient("cell_carry_wrong_place")
def cell_carry_into_hidden(params, X, states, dY):
    """What comes back through c_{t+1} is added to dL/dh_t, where it does not belong."""
    part = parts(params, X, states, dY)
    return finish(part, joined(part, hidden=True))


def joined(part, gates=np.add, hands_on=np.add, enters=lambda t: 1, hidden=False, shows=lambda dh, dc: dh):
    """Return dL/dz_t of a walk with other ways for the cell's two roads, through h_t and through c_{t+1}, to join.

    gates, hands_on  what the gates, and c_{t-1}, get of the two
    enters           by what the second is multiplied at step t
    hidden           True if the second joins at h_t already
    shows            what the output gate gets of dL/dh_t and dL/dc_t
    """
    into, dc_dh = local(part), part["to_c"] * part["slope_c"]
    dZ, dh_next, dc_next = np.empty_like(into), 0, 0
    for t in reversed(range(len(dZ))):
        dh = part["dH"][t] + dh_next + dc_next * hidden
        own, carried = dh * dc_dh[t], dc_next * enters(t) * (not hidden)
        dc = gates(own, carried)
        dZ[t] = into[t] * np.concatenate([dc, dc, dc, shows(dh, dc)], axis=1)
        dh_next, dc_next = dZ[t] @ part["W_hh"], hands_on(own, carried) * part["keep"][t]
    return dZ


@change("forget_gate_missing")
def forget_gate_missing(params, X, states, dY):
    """What goes back from c_t to c_{t-1} is not multiplied by f_t."""
    return {"keep": np.ones_like(states["f"])}


@change("gate_wrong_step")
def forget_gate_late(params, X, states, dY):
    """What goes back from c_t to c_{t-1} is multiplied by f_{t-1}, the forget gate of the step that it reaches."""
    return {"keep": np.roll(states["f"], 1, axis=0)}


@change("gate_wrong_step")
def forget_gate_early(params, X, states, dY):
    """What goes back from c_t to c_{t-1} is multiplied by f_{t+1} (by f_T at the last step)."""
    return {"keep": np.concatenate([states["f"][1:], states["f"][-1:]])}


@change("gate_wrong_step")
def forget_gate_early_and_wrapped(params, X, states, dY):
    """What goes back from c_t to c_{t-1} is multiplied by f_{t+1} (by f_1 at the last step)."""
    return {"keep": np.roll(states["f"], -1, axis=0)}


@change("gate_wrong_step")
def output_gate_late(params, X, states, dY):
    """On the way from h_t to c_t, o_{t-1} stands for o_t (o_1 at the first step)."""
    return {"to_c": np.concatenate([states["o"][:1], states["o"][:-1]])}


@change("gate_wrong_step")
def output_gate_early(params, X, states, dY):
    """On the way from h_t to c_t, o_{t+1} stands for o_t (o_T at the last step)."""
    return {"to_c": np.concatenate([states["o"][1:], states["o"][-1:]])}


def kept_by_another(gate, params, X, states, dY):
    """Return the change: what goes back from c_t to c_{t-1} is multiplied by this gate."""
    return {"keep": states[gate]}


def opened_by_another(gate, params, X, states, dY):
    """Return the change: on the way from h_t to c_t this gate stands for o."""
    return {"to_c": states[gate]}


family("gate_for_another", "kept_by_{}", "What goes back from c_t to c_{{t-1}} is multiplied by {} instead of f.",
       kept_by_another, "igo")
family("gate_for_another", "opened_by_{}", "On the way from h_t to c_t, {} stands where o belongs.",
       opened_by_another, "ifg")


@change("gate_for_another")
def kept_by_slope(params, X, states, dY):
    """What goes back from c_t to c_{t-1} is multiplied by f (1 - f), the forget gate's slope, instead of f."""
    return {"keep": states["f"] * (1 - states["f"])}


@change("gate_for_another")
def kept_by_rest(params, X, states, dY):
    """What goes back from c_t to c_{t-1} is multiplied by 1 - f instead of f."""
    return {"keep": 1 - states["f"]}


@change("output_gate_missing")
def output_gate_missing(params, X, states, dY):
    """What goes from h_t to c_t is not multiplied by o_t."""
    return {"to_c": np.ones_like(states["o"])}


@change("hidden_to_cell_missing")
def hidden_to_cell_missing(params, X, states, dY):
    """Nothing goes from h_t to c_t: dL/dc_t is what comes through c_{t+1} alone, which is 0."""
    return {"to_c": np.zeros_like(states["o"])}


@patient("output_gate_error")
def output_gate_from_cell(params, X, states, dY):
    """dL/do_t is made from dL/dc_t where dL/dh_t belongs."""
    part = parts(params, X, states, dY)
    return finish(part, joined(part, shows=lambda dh, dc: dc))


@change("tanh_of_cell_missing")
def tanh_of_cell_missing(params, X, states, dY):
    """Between h_t and c_t the factor 1 - tanh(c_t)² is missing."""
    return {"slope_c": np.ones_like(states["o"])}


def tanh_of_cell_wrong(form, params, X, states, dY):
    """Return the change: between h_t and c_t stands another function of the cell."""
    return {"slope_c": FORMS[form](states["c"][1:], states["h"][1:])}


FORMS = {
    "1 - c²": lambda c, h: 1 - c**2,
    "1 - tanh(tanh(c))²": lambda c, h: 1 - np.tanh(np.tanh(c)) ** 2,
    "1 - h²": lambda c, h: 1 - h**2,
    "1 - tanh(h)²": lambda c, h: 1 - np.tanh(h) ** 2,
    "tanh(c)": lambda c, h: np.tanh(c),
    "1 - tanh(c)": lambda c, h: 1 - np.tanh(c),
    "1 + tanh(c)²": lambda c, h: 1 + np.tanh(c) ** 2,
    "tanh(c) (1 - tanh(c))": lambda c, h: np.tanh(c) * (1 - np.tanh(c)),
    "c (1 - c)": lambda c, h: c * (1 - c),
}
family("tanh_of_cell_wrong", "tanh_of_cell_as {}", "Between h_t and c_t stands {} where 1 - tanh(c)² belongs.",
       tanh_of_cell_wrong, FORMS, say=str)
