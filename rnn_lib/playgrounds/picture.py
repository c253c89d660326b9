"""From a Matplotlib figure to a picture that a browser shows at once, as fast as it can be done."""

import base64
import struct
import zlib
from functools import lru_cache

import numpy as np
from matplotlib.backends.backend_agg import RendererAgg

MAX_TEXTS = 500  # kept for each size of figure; about 5 kB each
EMPTY = 255, 255, 255, 0  # a pixel of a canvas before something is drawn
SCRATCH_HEIGHT, EDGE = 240, 20  # pixels; room for an upright text. Ink within the edge: a text may be cut off


def to_urls(figure):
    """Return the figure as PNGs in data URLs, one for each of its pieces: [(url, width in pixels), ...].

    `figure.pieces` says where it may be cut, where the page is narrow: (left, bottom, right, top) of each piece, as
    fractions of the figure; without it the picture is one piece. A browser shows a data URL at once; a PNG sent as
    bytes would leave the place empty for a moment.
    """
    rgb, urls = rendered(figure)[..., :3], []
    height, width, _ = rgb.shape
    for left, bottom, right, top in getattr(figure, "pieces", [(0, 0, 1, 1)]):
        rows = slice(round(height * (1 - top)), round(height * (1 - bottom)))
        columns = slice(round(width * left), round(width * right))
        png = to_png(rgb[rows, columns])
        urls.append((b"data:image/png;base64," + base64.b64encode(png), columns.stop - columns.start))
    return urls


def rendered(figure):
    """Return the figure's pixels; what stands still on its stage (plots/stage.py) is remembered."""
    stage = getattr(figure, "stage", None)
    if stage is None or stage.pixels is None:
        return draw_without([], figure)
    return draw_without(stage.still, figure, stage.pixels)


def draw_without(hidden, figure, background=EMPTY):
    """Return the pixels of a figure, of which some artists are left out, on those of a background."""
    renderer = renderer_of_size(*(int(round(inches * figure.dpi)) for inches in figure.get_size_inches()), figure.dpi)
    hidden = [artist for artist in hidden if artist.get_visible()]
    for artist in hidden:
        artist.set_visible(False)
    pixels(renderer)[...] = background
    figure.draw(renderer)
    for artist in hidden:
        artist.set_visible(True)
    return pixels(renderer)


def strike(figure):
    """Clear the stage of a figure whose picture is in the page, and give it back for the next one."""
    stage = getattr(figure, "stage", None)
    if stage is not None:
        for artist in stage.added(figure):
            artist.remove()
        if stage.pixels is None:
            stage.pixels = draw_without(stage.moving, figure).copy()
        stage.give_back()


class RememberingRenderer(RendererAgg):
    """A canvas that remembers what each text looked like: texts cost most, and few change from picture to picture.

    A text starts at a whole pixel here, so that it looks the same wherever it stands.
    """

    def __init__(self, width, height, dpi):
        """`width` and `height` are in pixels."""
        super().__init__(width, height, dpi)
        self.scratch = RendererAgg(width + 4 * EDGE, SCRATCH_HEIGHT, dpi)
        self.texts = {}  # what and how -> (its left edge and its bottom, from where it starts; its image)

    def draw_text(self, gc, x, y, s, prop, angle, ismath=False, mtext=None):
        """Draw a text, letter by letter only if it is new."""
        x, y = round(x), round(y)
        key = (s, prop, angle, ismath, gc.get_rgb(), gc.get_alpha())
        if key not in self.texts:
            start_x, start_y = 2 * EDGE, SCRATCH_HEIGHT - 2 * EDGE
            self.scratch.clear()
            self.scratch.draw_text(gc, start_x, start_y, s, prop, angle, ismath, mtext)
            colours = pixels(self.scratch).view(np.uint32)[..., 0]  # one number a pixel
            inked = colours != colours[0, 0]
            at_edge = [inked[:EDGE], inked[-EDGE:], inked[:, :EDGE], inked[:, -EDGE:]]
            if any(map(np.any, at_edge)) or not inked.any():  # too large, perhaps cut off
                return super().draw_text(gc, x, y, s, prop, angle, ismath, mtext)
            if len(self.texts) >= MAX_TEXTS:
                self.texts.clear()
            rows, columns = stretch(inked.any(axis=1)), stretch(inked.any(axis=0))
            image = pixels(self.scratch)[rows, columns][::-1].copy()  # draw_image starts with the lowest row
            self.texts[key] = columns.start - start_x, start_y - rows.stop, image
        left, bottom, image = self.texts[key]
        self.draw_image(gc, x + left, self.height - y + bottom, image)


def stretch(used):
    """Return the slice from the first True to the last."""
    places = np.flatnonzero(used)
    return slice(places[0], places[-1] + 1)


def pixels(renderer):
    """What is drawn on a canvas: (height, width, 4) bytes, red, green, blue and opacity."""
    return np.asarray(renderer.buffer_rgba())


@lru_cache(maxsize=8)
def renderer_of_size(width, height, dpi):
    """Return a canvas to draw on."""
    return RememberingRenderer(width, height, dpi)


def to_png(rgb):
    """Pack an image of (height, width, 3) bytes. Five times as fast as Matplotlib's, and as small."""
    height, width, _ = rgb.shape
    rows = np.zeros((height, 1 + 3 * width), np.uint8)  # each row begins with its filter: 0, none
    for k in range(3):  # the last axis is short: one copy for all would take ten times as long
        rows[:, 1 + k :: 3] = rgb[..., k]
    header = struct.pack(">2I5B", width, height, 8, 2, 0, 0, 0)  # 8 bits a colour, colours are RGB
    png = b"\x89PNG\r\n\x1a\n"
    for kind, data in ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 1)), (b"IEND", b"")):
        png += struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return png
