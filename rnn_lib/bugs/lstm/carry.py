"""The carry: the roads through z_{t+1}, and both roads together."""

from itertools import combinations

import numpy as np

from rnn_lib.bugs.lstm.buggy import change, family, patient
from rnn_lib.bugs.lstm.cell import joined
from rnn_lib.bugs.lstm.healthy import GATES, finish, local, parts, walk

__all__ = [
    "hidden_carry_missing", "carry_missing", "W_hh_untransposed", "gates_left_out_of_carry", "hidden_carry_negated",
    "cell_carry_negated", "carry_negated", "carry_starts_from", "wrong_direction", "truncated", "windowed",
    "truncated_in_blocks", "in_blocks", "clipped", "small_carry_dropped",
]


@change("hidden_carry_missing")
def hidden_carry_missing(params, X, states, dY):
    """Nothing comes back through h_t into the gates of step t + 1: dL/dh_t is what comes through y_t alone."""
    return {"W_hh": 0 * params["W_hh"]}


@change("carry_missing")
def carry_missing(params, X, states, dY):
    """Nothing is passed back through time: each step sees only its own error."""
    return {"W_hh": 0 * params["W_hh"], "keep": 0 * states["f"]}


@change("W_hh_untransposed")
def W_hh_untransposed(params, X, states, dY):
    """Each gate's error goes back through the gate's square of W_hh the way the forward pass came."""
    return {"W_hh": np.concatenate([square.T for square in np.split(params["W_hh"], 4)])}


def gates_left_out_of_carry(gates, params, X, states, dY):
    """Return the change: dL/dh_{t-1} lacks what comes back through these gates."""
    kept = np.repeat([gate not in gates for gate in GATES], states["h"].shape[-1])
    return {"W_hh": params["W_hh"] * kept[:, None]}


family("gate_left_out_of_carry", "{}_left_out_of_carry", "What comes back to h_{{t-1}} lacks the roads through {}.",
       gates_left_out_of_carry, ["".join(gates) for n in (1, 2, 3) for gates in combinations(GATES, n)],
       paired=4)


@change("carry_negated")
def hidden_carry_negated(params, X, states, dY):
    """What comes back through the gates is subtracted where it should be added."""
    return {"W_hh": -params["W_hh"]}


@change("carry_negated")
def cell_carry_negated(params, X, states, dY):
    """What comes back through the cell is subtracted where it should be added."""
    return {"keep": -states["f"]}


@change("carry_negated")
def carry_negated(params, X, states, dY):
    """What comes back through gates and cell is subtracted where it should be added."""
    return {"W_hh": -params["W_hh"], "keep": -states["f"]}


def carry_starts_from(choice, params, X, states, dY):
    """Return the change: at the last step something comes back already."""
    roads, start = choice
    last = {road: states[road][-1] for road in roads}
    return {f"d{road}_next": np.ones_like(a) if start == "ones" else a for road, a in last.items()}


family("carry_start", "carry_starts {}", "Something comes back to the last step already: {}.",
       carry_starts_from, [(roads, start) for roads in ("hc", "h", "c") for start in ("ones", "the last state")],
       say=lambda choice: f"{' and '.join(choice[0])} from {choice[1]}")


@patient("wrong_direction")
def wrong_direction(params, X, states, dY):
    """The loop runs forward in time, so the carry comes from the past."""
    part = parts(params, X, states, dY)
    turned = {name: a[::-1] for name, a in part.items() if getattr(a, "ndim", 0) == 3}
    dZ, _, _ = walk(part | turned)
    return finish(part, dZ[::-1])


@patient("truncated")
def truncated(params, X, states, dY):
    """An error travels over at most 4 steps: its own and the 3 before it."""
    part = parts(params, X, states, dY)
    return finish(part, windowed(4, part))


def windowed(steps, part):
    """Return dL/dz_t when every error travels over at most so many steps, its own among them."""
    into, dc_dh = local(part), part["to_c"] * part["slope_c"]
    dh = part["dH"]
    dc = dh * dc_dh
    dZ = into * np.concatenate([dc, dc, dc, dh], axis=2)
    arriving = dZ.copy()
    for lag in range(1, min(steps, len(dZ))):  # every error moves one step back
        dh = arriving[1:] @ part["W_hh"]
        dc = dh * dc_dh[:-lag] + dc[1:] * part["keep"][1 : len(dc)]
        arriving = into[:-lag] * np.concatenate([dc, dc, dc, dh], axis=2)
        dZ[:-lag] += arriving
    return dZ


@patient("truncated")
def truncated_in_blocks(params, X, states, dY):
    """The carry starts again from zero every 4 steps."""
    part = parts(params, X, states, dY)
    return finish(part, in_blocks(4, part))


def in_blocks(steps, part, first=0):
    """Return dL/dz_t when no error crosses the borders first, first + steps, first + 2 steps, …"""
    borders = [0, *range(first or steps, len(part["dH"]), steps), len(part["dH"])]
    blocks = [slice(*pair) for pair in zip(borders, borders[1:], strict=False)]
    return np.concatenate([walk(part | {name: a[block] for name, a in part.items() if getattr(a, "ndim", 0) == 3})[0]
                           for block in blocks])


@patient("clipped")
def clipped(params, X, states, dY):
    """dL/dc_t is clipped before it goes back to c_{t-1}, to numbers between -0.01 and 0.01."""
    part = parts(params, X, states, dY)
    return finish(part, joined(part, hands_on=lambda own, carried: np.clip(own + carried, -0.01, 0.01)))


@patient("small_lost")
def small_carry_dropped(params, X, states, dY):
    """Numbers of dL/dc_t below 0.01 do not go back to c_{t-1}."""
    part = parts(params, X, states, dY)
    return finish(part, joined(part, hands_on=lambda own, carried: (own + carried) * (abs(own + carried) >= 0.01)))
