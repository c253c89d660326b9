"""The figures of notebook 05: errors of numerical derivatives, and the patients of the bug clinic."""

import numpy as np
from matplotlib.ticker import NullLocator

from rnn_lib.plots.style import BACKWARD, BASELINE, LINES, OUTPUT, SERIES, label_ends, new_figure, side_by_side
from rnn_lib.plots.training import draw_losses, outcomes
from rnn_lib.plots.words import listing, say

JUMP = 2.5  # times the loss of the epoch before; on fresh batches every loss jumps by up to 1.6
MARGINS = {"left": 0.08, "right": 0.885, "bottom": 0.17, "top": 0.8, "wspace": 0.62}


def step_errors(steps, errors, title, shows):
    """Draw the relative error of numerical derivatives against the step; `errors` is {method: array}.

    An error of exactly zero is drawn at 1e-17. The errors are rounding, which differs from machine to machine, so the
    caller says what they show, in bounds that it asserts.
    """
    figure, axis = new_figure(height=3.6)
    for (label, values), colour, line in zip(errors.items(), SERIES, LINES, strict=False):
        axis.plot(steps, np.maximum(values, 1e-17), line, color=colour, label=label, marker="o", markersize=3)
    axis.set(xscale="log", yscale="log", ylim=(1e-18, 1e2), xlabel="step", ylabel="relative error", title=title)
    label_ends(axis)
    return say(figure, f"{title}: {shows}.")


def two_losses(histories, title):
    """Draw two loss curves, {label: History}, in colours that do not say which of them is right."""
    figure, axis = new_figure()
    draw_curves(axis, histories, (SERIES[0], SERIES[2]))
    axis.set_title(title)
    label_ends(axis)
    return say(figure, f"{title}: the loss of {outcomes(histories, JUMP)}.")


def patient(exam, title):
    """Draw a patient on one task: its loss beside the right one's, and its gradients' angles to the true ones."""
    figure, axes = new_figure(1, 2, height=3.2, layout="none", gridspec_kw=MARGINS)
    draw_training(axes[0], exam)
    draw_cosines(axes[1], exam.angles, -0.22)
    figure.pieces = side_by_side(0.5)
    figure.suptitle(title, x=0.03, ha="left", fontsize=12, fontweight="bold")
    return say(figure, f"{title}: {told_training(exam)}; cosines to the true gradient {told_angles(exam.angles)}.")


def symptoms(exams, title):
    """Draw how a patient's gradients compare with the true ones half way through training, one bar for each task."""
    figure, axis = new_figure(width=6.0, height=3.2, layout="none",
                              gridspec_kw={"left": 0.12, "right": 0.8, "bottom": 0.17, "top": 0.78})
    angles = {exam.task.partition(",")[0]: exam.angles["half way"] for exam in exams}
    draw_cosines(axis, angles, -0.02)
    figure.suptitle(title, x=0.02, ha="left", fontsize=12, fontweight="bold")
    return say(figure, f"{title} Cosines to the true gradient and, after ×, lengths beside it: {told_angles(angles)}.")


def careers(exams, title):
    """Draw what training makes of a patient on each task: its loss beside the right one's."""
    figure, axes = new_figure(1, len(exams), height=3.2, layout="none", gridspec_kw=MARGINS)
    for axis, exam in zip(axes, exams, strict=True):
        draw_training(axis, exam)
    figure.suptitle(title, x=0.08, ha="left", fontsize=12, fontweight="bold")
    return say(figure, f"{title}: {'; '.join(map(told_training, exams))}.")


def told_training(exam):
    """Say how the right network and the patient fared on one task."""
    histories = {"the right network's loss": exam.right, "the patient's": exam.wrong}
    return f"{exam.task}, {outcomes(histories, JUMP)}"


def told_angles(angles):
    """Say what `draw_cosines` writes beside the bars, parameters with the same numbers together."""
    told = []
    for label, by_name in angles.items():
        names = {}
        for name, numbers in by_name.items():
            names.setdefault(bar_text(*numbers), []).append(name)
        told.append(f"{label}, " + ", ".join(f"{listing(group)} {text}" for text, group in names.items()))
    return "; ".join(told)


def bar_text(cosine, ratio):
    """Write a cosine and a ratio of lengths."""
    return f"{cosine:.2f} ×{f'{ratio:.2g}' if ratio < 99 else f'{ratio:,.0f}'}"


def draw_training(axis, exam):
    """Draw the loss of the right network and of the patient on one task."""
    draw_curves(axis, {"right": exam.right, "wrong": exam.wrong}, (OUTPUT, BACKWARD))
    axis.set_title(exam.task, y=1.0, fontsize=10.5, fontweight="normal")
    label_ends(axis, dark=True)


def draw_curves(axis, histories, colours):
    """Draw two loss curves, {label: History}, with few ticks; a cross marks where training diverged."""
    draw_losses(axis, histories, unit="loss", colours=colours)
    last = max(len(history.loss) for history in histories.values())
    axis.set(xticks=[1, last // 2, last])
    axis.yaxis.set_minor_locator(NullLocator())  # and "{x:g}", not mathtext: half of the drawing time
    axis.yaxis.set_major_formatter("{x:g}")


def draw_cosines(axis, angles, legend_at=-0.3):
    """Draw two bars for each parameter: the cosines of {label: {parameter: (cosine, ratio of lengths)}}."""
    for i, (label, by_name) in enumerate(angles.items()):
        places = np.arange(len(by_name)) + 0.4 * (i - 0.5)
        cosines, ratios = zip(*by_name.values(), strict=True)
        face, hatch = (BACKWARD, "") if i == 0 else ("white", "////")
        axis.barh(places, cosines, 0.34, color=face, edgecolor=BACKWARD, hatch=hatch, label=label)
        for place, cosine, ratio in zip(places, cosines, ratios, strict=True):
            axis.text(1.08, place, bar_text(cosine, ratio).replace(" ", "  "), va="center", fontsize=8.5)
    axis.axvline(1, color=BASELINE, linestyle="--", linewidth=1.2)
    axis.set(xlim=(-1.05, 1.05), xticks=(-1, 0, 1), xlabel="cosine to the true gradient")
    axis.set_yticks(range(len(by_name)), by_name)
    axis.invert_yaxis()
    axis.legend(loc="lower left", bbox_to_anchor=(legend_at, 0.985), ncols=2, fontsize=8.5, handlelength=1.2)
