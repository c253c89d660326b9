"""How a verdict is shown: as plain text and as a box in a notebook."""

import html

__all__ = ["html_box", "text_table"]

COLOURS = {True: "#009E73", False: "#D55E00", None: "#7F7F7F"}


def text_table(rows):
    """Return rows of text as indented lines with aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  " + "  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def html_box(passed, label, message, rows=()):
    """Return HTML: the label, the message and the rows as a table, beside a bar in the verdict's colour.

    `passed` is True, False, or None for "no verdict yet".
    """
    lines = "".join(
        "<tr>" + "".join(f"<td style='text-align:left'>{html.escape(text)}</td>" for text in row) + "</tr>"
        for row in rows
    )
    table = f"<table>{lines}</table>" if lines else ""
    return (
        f"<div style='border-left:5px solid {COLOURS[passed]};padding:0.4em 0.8em'>"
        f"<b>{html.escape(label)}:</b> {html.escape(message)}{table}</div>"
    )
