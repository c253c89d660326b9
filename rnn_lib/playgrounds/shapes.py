"""What the five sizes T, B, I, H, O decide: the matrices, the parameters, the work (notebook 02)."""

from dataclasses import dataclass

from rnn_lib.ground.validation import check_int
from rnn_lib.playgrounds.panel import Panel, slider
from rnn_lib.plots.matrices import counts, matrix_shapes


@dataclass
class Sizes:
    """The five sizes of a problem."""

    T: int
    B: int
    I: int
    H: int
    O: int
    summary: str


def run_shapes(T=3, B=2, I=1, H=4, O=1):
    """Count the parameters and the multiplications of a forward pass."""
    for name, size in {"T": T, "B": B, "I": I, "H": H, "O": O}.items():
        check_int(name, size)
    n_params, n_multiplications = counts(T, B, I, H, O)
    return Sizes(T, B, I, H, O, (
        f"T = {T}, B = {B}, I = {I}, H = {H}, O = {O}: {n_params['total']:,} parameters, "
        f"{n_multiplications['one step']:,} multiplications a step, {n_multiplications['T steps']:,} in all."
    ))


def draw_shapes(result):
    """Draw the matrices to scale."""
    return matrix_shapes(result.T, result.B, result.I, result.H, result.O)


def shapes_panel():
    """Choose T, B, I, H and O and see the shapes of one step and of the whole sequence."""
    controls = {
        "T": slider("T, time steps", 1, 50, 3),
        "B": slider("B, batch", 1, 32, 2),
        "I": slider("I, inputs", 1, 32, 1),
        "H": slider("H, hidden units", 1, 64, 4),
        "O": slider("O, outputs", 1, 32, 1),
    }
    return Panel("shapes", run_shapes, draw_shapes, controls, ghosts=0)
