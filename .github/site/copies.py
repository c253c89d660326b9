"""The notebooks as JupyterLite and Colab get them: the same cells, but for a first line that installs the course.

In a clone that line finds `rnn_lib` beside the notebooks. Elsewhere it must be installed, in each place in its way, and
in Colab from the address of this fork's site, which no committed line could know.
"""

import posixpath
import re

from places import ROOT

MISSING = 'from importlib.util import find_spec; find_spec("rnn_lib") or '
# From the site's own index. A copy that is run elsewhere asks no other: PyPI may have a package of this name, not ours.
LITE_LINE = MISSING + 'await __import__("piplite").install("rnn-lib")'
LINK = re.compile(r"""(\]\(|\b(?:href|src)=["'])([^)"'\s]+)""")  # of Markdown, and of HTML in it


def colab_line(wheel_url):
    """The line for Colab. It has all that the course needs, in versions that its own page goes with: keep them."""
    return f'{MISSING}get_ipython().run_line_magic("pip", "install -q --no-deps {wheel_url}")'


def with_first_line(notebook, line):
    """Put a line in the place of the first line of a notebook's first code cell (None: leave that out).

    A notebook that does not begin with the course's first line, say because it has no code, stays as it is.
    """
    first = next((cell for cell in notebook.cells if cell.cell_type == "code"), None)
    if first is not None and first.source.startswith("import sys; sys.path += "):
        rest = first.source.partition("\n")[2]
        first.source = rest if line is None else f"{line}\n{rest}"
    return notebook


def with_links(text, change, pattern=LINK):
    """Let `change` replace the target of each link and image in a text, unless it leads out of the course."""
    def changed(match):
        before, target = match.groups()
        outside = "://" in target or target.startswith(("#", "mailto:", "data:"))
        return before + (target if outside else change(target))

    return pattern.sub(changed, text)


def with_course_links(notebook, path, address):
    """Let a notebook's links and images lead elsewhere.

    path     the notebook's, in the repository
    address  a function from a path in the repository to where it can be had; None: beside the notebook, as ever
    """
    def change(target):
        file, mark, anchor = target.partition("#")
        inside = posixpath.normpath(posixpath.join(posixpath.dirname(path), file))
        there = address(inside) if (ROOT / inside).exists() else None  # code may look like a link
        return (there or file) + mark + anchor

    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = with_links(cell.source, change)
    return notebook


def for_lite(notebook, path, places):
    """A notebook for JupyterLite, where notebooks and images lie as in the repository; texts and sources are pages."""
    def address(inside):
        if inside.endswith((".py", ".md")):
            return f"{places.url}{inside}.html"
        beside = inside.startswith(("notebooks", "images/")) or not places.repository
        return None if beside else places.source(inside)

    return with_course_links(with_first_line(notebook, LITE_LINE), path, address)


def for_colab(notebook, path, places, wheel):
    """A notebook for Colab, where nothing lies beside it. `wheel` is the name of the course's, on the site."""
    def address(inside):
        if inside.startswith("images/"):
            return places.url + inside
        return places.colab(inside) if inside.endswith(".ipynb") else places.source(inside)

    line = colab_line(f"{places.url}wheels/{wheel}")
    return with_course_links(with_first_line(notebook, line), path, address)
