"""Straight arrows, all of a figure in two artists: a fifth of the time that one artist for each would take."""

import numpy as np
from matplotlib.collections import LineCollection, PolyCollection


def draw_arrows(axis, starts, ends, colours, strong, styles):
    """Draw arrows from `starts` to `ends`, (N, 2), in axes that count in inches, with N colours and line styles.

    `strong` says of each whether it is thick.
    """
    starts, ends, strong = np.asarray(starts, float), np.asarray(ends, float), np.asarray(strong)
    along = ends - starts
    along /= np.hypot(*along.T)[:, None]
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    size = np.where(strong, 0.14, 0.1)[:, None]
    necks = ends - size * along
    axis.add_collection(LineCollection(np.stack([starts, necks], axis=1), colors=colours, linestyles=styles,
                                       linewidths=np.where(strong, 2.6, 1.3), zorder=2), autolim=False)
    heads = np.stack([ends, necks + 0.4 * size * across, necks - 0.4 * size * across], axis=1)
    axis.add_collection(PolyCollection(heads, facecolors=colours, linewidths=0, zorder=2), autolim=False)
