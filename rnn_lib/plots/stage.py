"""What is the same in every picture of a panel is made and drawn once: its stage.

    @stage
    def scenery():
        figure, axes = new_figure(1, 2, 9, 3.6, layout="none")
        ...                                # positions, limits, ticks, labels, titles, backgrounds
        return figure, axes

    def draw(result):
        figure, axes = scenery()
        axes[0].plot(result.loss)          # what differs: above all that stands there already
        return say(figure, result.summary)

Axes with their ticks cost most of a picture's time. Whoever calls `draw` gets a figure of their own. Only a panel gives
its figure back, when its picture is in the page (`strike`, picture.py), and gets the same one for the next.
What differs is added, axes with other ticks, too (`new_axis`); titles may be set. Nothing may change of what stands
there, limits and ticks least of all.
"""

from functools import lru_cache, wraps

from matplotlib.spines import Spine
from matplotlib.text import Text

from rnn_lib.plots.style import DRAWING

KEPT = 6  # different stages of a function, each with its picture: 1 or 2 MB


class Stage:
    """What stands in a figure before something is drawn: `still`, and `moving`, which each picture has anew."""

    def __init__(self, figure, give_back):
        """Take note of all that is there; `give_back()` makes the figure the next one's."""
        self.give_back = give_back
        self.axes = [*figure.axes]
        there = [artist for artist in parts(figure, self.axes) if artist not in self.axes]
        self.moving = [artist for artist in there if isinstance(artist, Spine)  # above all that is drawn
                       or (isinstance(artist, Text) and not artist.get_text())]  # a title that may be set
        self.still = [artist for artist in there if artist not in self.moving]
        self.pixels = None  # what stands still, once it was drawn alone

    def added(self, figure):
        """Return what was drawn since."""
        there = {*self.moving, *self.still, *self.axes}
        return [artist for artist in parts(figure, self.axes) if artist not in there]


def parts(figure, axes):
    """Return what a figure and some of its axes are made of."""
    return [artist for place in (figure, *axes) for artist in place.get_children()]


def stage(build):
    """Let a function that makes (figure, axes) return a figure that was given back, if there is one: see above.

    Several axes come as a list.
    """
    given_back = lru_cache(maxsize=KEPT)(lambda *args: [])

    @wraps(build)
    def scenery(*args):
        with DRAWING:
            spare = given_back(*args)
            if spare:
                figure = spare.pop()
            else:
                figure, _ = build(*args)  # a figure that held this array of axes could not be freed: gc does not see it
                figure.stage = Stage(figure, lambda: spare.append(figure))
            axes = figure.stage.axes
            return figure, axes if len(axes) > 1 else axes[0]

    return scenery
