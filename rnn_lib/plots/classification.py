"""Figures about classification: probabilities step by step, digits."""

import numpy as np
from matplotlib.collections import PatchCollection
from matplotlib.patches import Rectangle

from rnn_lib.plots.style import INPUT, TARGET, headline, new_figure
from rnn_lib.plots.words import listing, say, small


def class_probabilities(p, truth, title, classes=None, steps=None, image=None, xlabel="time step"):
    """Draw how probable each class is after each step; the right class is framed.

    p        (T, C), each row a softmax
    truth    the right class, one number or one for each step
    classes  C names, steps T names; by default their numbers
    image    an optional picture, (rows, columns), drawn beside
    xlabel   what the steps are
    """
    columns = 1 if image is None else 2
    ratios = {} if image is None else {"width_ratios": [1, 3]}
    figure, axes = new_figure(1, columns, height=1.7 + 0.2 * p.shape[1], squeeze=False, gridspec_kw=ratios)
    draw_probabilities(axes[0, -1], p, truth, classes, steps, xlabel)
    if image is not None:
        draw_image(axes[0, 0], image)
    figure.get_layout_engine().set(rect=(0, 0, 0.99, 1))  # room for the last frame's line
    headline(figure, title)
    names, right = np.array(class_names(p, classes)), np.broadcast_to(truth, len(p))
    always = f"always {names[right[0]]}" if len({*right}) == 1 else " ".join(names[right])
    return say(figure, f"{title}: step by step, the most probable class is {' '.join(names[p.argmax(axis=1)])}; right "
                       f"is {always}, which at the end has {small(p[-1, right[-1]])}.")


def class_names(p, classes=None):
    """Return the names of the classes of `p`, (T, C); by default their numbers."""
    return [*map(str, range(p.shape[1]) if classes is None else classes)]


def draw_probabilities(axis, p, truth, classes=None, steps=None, xlabel="time step"):
    """Draw the map of `class_probabilities` into `axis`: from white, 0, to green, 1."""
    T, C = p.shape
    axis.imshow(p.T, cmap="Greens", vmin=0, vmax=1, aspect="auto")
    frames = [Rectangle((t - 0.5, c - 0.5), 1, 1) for t, c in enumerate(np.broadcast_to(truth, T))]
    axis.add_collection(PatchCollection(frames, facecolor="none", edgecolor=TARGET, linewidth=1.4))
    for t, name in enumerate(range(1, T + 1) if steps is None else steps):  # text is quicker to draw than ticks
        axis.text(t, C - 0.4, name, ha="center", va="top")
    classes = class_names(p, classes)
    for c, name in enumerate(classes):
        axis.text(-0.5, c, f"{name} ", ha="right", va="center")
    axis.set(xticks=[], yticks=[], xlim=(-0.52, T - 0.48), ylim=(C - 0.48, -0.52))
    axis.set_xlabel(xlabel, labelpad=20)
    axis.set_ylabel("class", labelpad=8 + 7 * max(map(len, classes)))
    axis.grid(False)
    axis.spines[:].set_visible(False)


def draw_image(axis, image, title=""):
    """Draw a digit, dark ink on white paper, into `axis`."""
    axis.imshow(image, cmap="gray_r", vmin=0, vmax=1)
    axis.set_title(title, fontsize=11, fontweight="normal", loc="center")
    axis.set(xticks=[], yticks=[])
    axis.grid(False)
    axis.spines[:].set(visible=True, color="#BDBDBD")


def digit_as_sequence(digit, title):
    """Draw a digit, (8, 8), and beside it the same rows as the steps of a sequence."""
    figure, (left, right) = new_figure(1, 2, height=3.4, gridspec_kw={"width_ratios": [1, 1.4]})
    draw_image(left, digit, "as we see it")
    T, I = digit.shape
    for t, row in enumerate(digit):
        y = T - 1.4 * t
        right.imshow(row[None], cmap="gray_r", vmin=0, vmax=1, extent=(0, I, y, y + 1))
        right.add_patch(Rectangle((0, y), I, 1, facecolor="none", edgecolor=INPUT, linewidth=1.4))
        right.text(I + 0.4, y + 0.5, f"$x_{t + 1}$, ({I},)", color=INPUT, va="center")
    right.set(xlim=(-0.1, I + 4), ylim=(T - 1.4 * T + 1.3, T + 1.1), aspect="equal")
    right.set_title("as the network reads it, from top to bottom", fontsize=11, fontweight="normal")
    right.axis("off")
    headline(figure, title)
    return say(figure, f"{title}: on the left the whole picture, {T} by {I} pixels; on the right its rows one by one, "
                       f"x_1 at the top to x_{T} at the bottom, each with {I} numbers.")


def digit_images(digits, captions, title):
    """Draw digits side by side, each with its caption; `digits` is (8, N, 8), as `data.load_digits` has them."""
    N = digits.shape[1]
    figure, axes = new_figure(1, N, height=min(9 / N, 1.5) + 0.7, squeeze=False)
    for axis, digit, caption in zip(axes[0], digits.transpose(1, 0, 2), captions, strict=True):
        draw_image(axis, digit, caption)
    figure.get_layout_engine().set(rect=(0, 0, 0.99, 1))
    headline(figure, title)
    return say(figure, f"{title}: {N} digits side by side, {'; '.join(map(str, captions))}.")


def confusion_matrix(counts, title):
    """Draw a table of counts: counts[i, j] digits of class i were read as j. The diagonal is what went right."""
    C = len(counts)
    figure, axis = new_figure(width=6, height=5)
    wrong = np.where(np.eye(C, dtype=bool), 0, counts)
    axis.imshow(np.eye(C), cmap="Greens", vmin=0, vmax=4)
    axis.imshow(np.ma.masked_equal(wrong, 0), cmap="Oranges", vmin=0, vmax=max(wrong.max(), 1) * 1.6)
    for i, j in np.argwhere(counts):
        axis.text(j, i, counts[i, j], ha="center", va="center", fontsize=10)
    axis.set(title=title, xlabel="read as", ylabel="is", xticks=range(C), yticks=range(C))
    axis.tick_params(length=0)
    axis.grid(False)
    most = np.argsort(-wrong, axis=None, kind="stable")[: min(3, np.count_nonzero(wrong))]
    mistakes = [f"{i} read as {j} ({counts[i, j]})" for i, j in zip(*np.unravel_index(most, wrong.shape), strict=True)]
    return say(figure, f"{title}: {np.trace(counts)} of {counts.sum()} stand there; the most frequent mistakes are "
                       f"{listing(mistakes or ['none'])}.")
