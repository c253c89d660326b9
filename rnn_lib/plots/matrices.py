"""The matrices of a forward pass, drawn to scale."""

import numpy as np
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle

from rnn_lib.plots.stage import stage
from rnn_lib.plots.style import BASELINE, HIDDEN, INPUT, OUTPUT, new_figure
from rnn_lib.plots.words import say

WIDTH, HEIGHT = 9.0, 6.2  # inches; the axes count in inches too
MARGIN, TABLE = 0.15, 5.35  # left edges of the pictures and of the counts
LARGEST_CELL, SMALLEST_GRID, THINNEST = 0.2, 0.045, 0.03  # side of one number; from where on a grid shows it; 3 pixels
SLOT, OPERATOR = 0.72, 0.36  # least width of a matrix, for its label, and the width of a sign between two
STACK = 1.15  # least width of a stack of matrices
SHEET = np.array([0.4, 0.3])  # how far right and up the next time step lies, in cells
HEADING, NAME, SHAPE = 0.34, 0.24, 0.44  # heights of the texts of a band
TITLE = 0.4
TABLES = 3.35  # least height of the top of the two tables of numbers
WHOLE = {"left": 0, "bottom": 0, "right": 1, "top": 1}


def matrix_shapes(T, B, I, H, O):
    """Draw the matrices of one step and the arrays of a whole sequence, all to one scale, and count.

    As in the code, a row of x_t or h_t is one sequence of the batch, so the weights, stored (out, in), are transposed.
    """
    sizes = {"T": T, "T+1": T + 1, "B": B, "I": I, "H": H, "O": O}
    hidden = [("x_t", "BI", INPUT), "@", ("W_xh.T", "IH", BASELINE), "+", ("h_prev", "BH", HIDDEN), "@",
              ("W_hh.T", "HH", BASELINE), "+", ("b_h", "H", BASELINE), "=", ("z_t", "BH", HIDDEN)]
    output = [("h_t", "BH", HIDDEN), "@", ("W_hy.T", "HO", BASELINE), "+", ("b_y", "O", BASELINE), "=",
              ("y_t", "BO", OUTPUT)]
    stacks = [("X", "T", "BI", INPUT), ("hidden_states", "T+1", "BH", HIDDEN), ("Y", "T", "BO", OUTPUT)]
    heights = [max(B, I, H), max(B, H), B + (T + 1) * SHEET[1]]  # of the three bands, in cells

    def fits(cell):
        return (
            cell * sum(heights) + 3 * (HEADING + NAME + SHAPE) + TITLE <= HEIGHT
            and row_width(hidden, sizes, cell) <= WIDTH - 2 * MARGIN
            and row_width(output, sizes, cell) <= TABLE - 2 * MARGIN
            and sum(stack_width(stack, sizes, cell) for stack in stacks) <= TABLE - MARGIN
        )

    cell = next(cell for cell in LARGEST_CELL * 0.97 ** np.arange(200) if fits(cell))
    figure, axis = empty_page()
    n_params, n_multiplications = counts(T, B, I, H, O)
    title = f"{n_params['total']:,} parameters, {n_multiplications['T steps']:,} multiplications"
    axis.text(MARGIN, HEIGHT - 0.22, title, fontsize=12, weight="bold", va="center")

    spare = (HEIGHT - TITLE - cell * sum(heights) - 3 * (HEADING + NAME + SHAPE)) / 3
    top = HEIGHT - TITLE
    headings = ("One step:  z_t = x_t @ W_xh.T + h_prev @ W_hh.T + b_h,   h_t = tanh(z_t)",
                "and its output:  y_t = h_t @ W_hy.T + b_y", "The whole sequence: one sheet per time step")
    for heading, items, height in zip(headings, (hidden, output, stacks), heights, strict=True):
        axis.text(MARGIN, top - HEADING / 2, heading, fontsize=10.5, va="center")
        middle = top - HEADING - NAME - cell * height / 2
        (draw_stacks if items is stacks else draw_row)(axis, items, sizes, cell, middle)
        top = middle - cell * height / 2 - SHAPE - spare
        if items is hidden:
            draw_counts(axis, n_params, n_multiplications, max(top - HEADING / 2, TABLES))
    shapes = {item[0]: item[1] for item in (*hidden, *output) if not isinstance(item, str)}
    shapes |= {name: (T, *shape) for name, T, shape, _ in stacks}
    told = ", ".join(f"{name} {tuple(sizes[letter] for letter in shape)}" for name, shape in shapes.items())
    return say(figure, f"{title}, and every matrix drawn to scale: {told}.")


@stage
def empty_page():
    """Make axes that count in inches."""
    figure, axis = new_figure(width=WIDTH, height=HEIGHT, layout="none", gridspec_kw=WHOLE)
    axis.set(xlim=(0, WIDTH), ylim=(0, HEIGHT))
    axis.axis("off")
    return figure, axis


def counts(T, B, I, H, O):
    """Return two dicts: the number of parameters, and of multiplications in the products of a forward pass."""
    n_params = {"W_xh": H * I, "W_hh": H * H, "b_h": H, "W_hy": O * H, "b_y": O}
    n_params["total"] = sum(n_params.values())
    step = {"x_t @ W_xh.T": B * I * H, "h_prev @ W_hh.T": B * H * H, "h_t @ W_hy.T": B * H * O}
    step["one step"] = sum(step.values())
    return n_params, step | {"T steps": T * step["one step"]}


def side(n, cell):
    """Length of a side of n cells, never too thin to be seen."""
    return max(n * cell, THINNEST)


def row_width(items, sizes, cell):
    """Width of matrices and the signs between them."""
    return sum(OPERATOR if isinstance(item, str) else max(SLOT, side(sizes[item[1][-1]], cell)) for item in items)


def stack_width(stack, sizes, cell):
    """Width of one stack of matrices, with the gap after it."""
    _, T, shape, _ = stack
    return max(STACK, side(sizes[shape[-1]], cell) + sizes[T] * SHEET[0] * cell) + OPERATOR


def draw_row(axis, items, sizes, cell, middle):
    """Draw matrices side by side, each with its name above and its shape below."""
    x = MARGIN
    for item in items:
        if isinstance(item, str):
            axis.text(x + OPERATOR / 2, middle, item, ha="center", va="center", fontsize=13)
            x += OPERATOR
            continue
        name, shape, colour = item
        rows, columns = (1, *(sizes[letter] for letter in shape))[-2:]
        width, height, slot = side(columns, cell), side(rows, cell), row_width([item], sizes, cell)
        corner = np.array([x + (slot - width) / 2, middle - height / 2])
        axis.add_artist(Rectangle(corner, width, height, facecolor=to_rgba(colour, 0.3), edgecolor=colour, linewidth=1))
        if cell >= SMALLEST_GRID:
            lines = [[corner + (i * cell, 0), corner + (i * cell, height)] for i in range(1, columns)]
            lines += [[corner + (0, i * cell), corner + (width, i * cell)] for i in range(1, rows)]
            axis.add_artist(LineCollection(lines, colors=colour, linewidths=0.5))
        axis.text(x + slot / 2, middle + height / 2 + 0.06, name, ha="center", va="bottom", fontsize=10)
        letters = f"({', '.join(shape)}{',' * (len(shape) == 1)})"
        numbers = f"({', '.join(str(sizes[letter]) for letter in shape)}{',' * (len(shape) == 1)})"
        axis.text(x + slot / 2, middle - height / 2 - 0.05, f"{letters}\n{numbers}", ha="center", va="top", fontsize=9)
        x += slot


def draw_stacks(axis, stacks, sizes, cell, middle):
    """Draw arrays of three dimensions as stacks of sheets, the first time step in front."""
    x = MARGIN
    for name, T, shape, colour in stacks:
        n_sheets, (rows, columns) = sizes[T], (sizes[letter] for letter in shape)
        width, height = side(columns, cell), side(rows, cell)
        depth = n_sheets * SHEET * cell
        slot = stack_width((name, T, shape, colour), sizes, cell) - OPERATOR
        corner = np.array([x + (slot - width - depth[0]) / 2, middle - (height + depth[1]) / 2])
        sheet = np.array([[0, 0], [width, 0], [width, height], [0, height]])
        sheets = [corner + sheet + t * SHEET * cell for t in reversed(range(n_sheets))]
        pale = [1 - 0.3 * (1 - part) for part in to_rgba(colour)[:3]]
        axis.add_artist(PolyCollection(sheets, facecolors=[pale], edgecolors=colour, linewidths=0.5 + 2 * cell))
        centre = x + slot / 2
        axis.text(centre, middle + (height + depth[1]) / 2 + 0.05, name, ha="center", va="bottom", fontsize=10)
        label = f"({T}, {', '.join(shape)})\n({n_sheets}, {rows}, {columns})"
        axis.text(centre, middle - (height + depth[1]) / 2 - 0.05, label, ha="center", va="top", fontsize=9)
        x += slot + OPERATOR


def draw_counts(axis, n_params, n_multiplications, top):
    """Write the two tables of numbers."""
    formulas = {"W_xh": "H·I", "W_hh": "H·H", "b_h": "H", "W_hy": "O·H", "b_y": "O", "total": "",
                "x_t @ W_xh.T": "B·I·H", "h_prev @ W_hh.T": "B·H·H", "h_t @ W_hy.T": "B·H·O",
                "one step": "", "T steps": ""}
    for heading, table in (("Parameters", n_params), ("Multiplications in the products", n_multiplications)):
        axis.text(TABLE, top, heading, fontsize=10.5, va="center")
        lines = [f"{name:<17}{formulas[name]:<7}{number:>13,}" for name, number in table.items()]
        axis.text(TABLE, top - 0.15, "\n".join(lines), family="monospace", fontsize=9.5, va="top", linespacing=1.3)
        top -= 0.3 + 0.21 * len(lines) + 0.15
