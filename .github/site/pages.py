"""Pages that need no kernel: the first page, and a copy to read of every notebook and of the files they link to.

Formulas are MathML, and a figure's `alt` is the sentence it says: nothing is fetched from elsewhere, no script runs.
"""

import html
import posixpath
import re
from urllib.parse import quote

import nbformat
from copies import with_first_line, with_links
from latex2mathml.converter import convert
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from places import ROOT, START
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

TITLE = "RNNs from scratch, every gradient checked"
LITE = "lite/lab/index.html?path={path}"
README_ROW = re.compile(r"^\| \d\d \| \[[^\]]*\]\(([^)]+)\) \| (.*) \| \d+ \|$", re.MULTILINE)
PICTURE = re.compile(r"<picture>.*?</picture>", re.DOTALL)  # the README's, which moves for those who like it
ROW = "<tr><td><strong>{title}</strong>{gain}</td><td>{ways}</td></tr>"
NOWHERE = "This copy of the site was built from no repository on GitHub: it has no links to Colab and Binder."
FIRST_PAGE = f"""<h1>{TITLE}</h1>
<p>A course of Jupyter notebooks in which you write a recurrent neural network and its backpropagation through time in
NumPy, prove every derivative, and see why training works or fails.</p>
<p>{{start}} {{first}}</p>
<p>To run it here installs nothing: Python is loaded into the page, which takes a moment the first time, and what you
change stays in your browser. The pages to read need neither kernel nor script. {{elsewhere}}</p>
<table><tbody>
{{rows}}
</tbody></table>
<p>{{more}}</p>
{{picture}}"""
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="{top}style.css">
<link rel="icon" href="data:,">
</head>
<body>
<nav>{links}</nav>
<main>
{body}
</main>
</body>
</html>
"""
ATTRIBUTE = re.compile(r"""(\b(?:href|src)=")([^"]+)""")


class Renderer(IPythonRenderer):
    """Markdown as JupyterLab shows it, with formulas as MathML."""

    def heading(self, text, level, **attributes):
        """Return a heading that can be linked to as in JupyterLab: its blanks are hyphens."""
        anchor = html.unescape(re.sub(r"<[^>]+>", "", text)).strip().replace(" ", "-")
        mark = f'<a class="anchor-link" href="#{quote(anchor)}" aria-label="Link to this heading">¶</a>'
        return f'<h{level} id="{html.escape(anchor)}">{text}{mark}</h{level}>\n'

    def block_math(self, body):
        """Return $$body$$."""
        return convert(body, display="block")

    def inline_math(self, body):
        """Return $body$."""
        return convert(body)

    def latex_environment(self, name, body):
        """Return an environment that stands alone."""
        return convert(rf"\begin{{{name}}}{body}\end{{{name}}}", display="block")


def markdown(source):
    """Return a Markdown text as HTML."""
    return MarkdownWithMath(renderer=Renderer(escape=False)).render(source)


def code(source):
    """Return Python as HTML, with its colours."""
    return highlight(source, PythonLexer(), HtmlFormatter())


def output_html(output):
    """Return an output of a cell as HTML; a picture's `alt` is the text that comes with it."""
    data = output.get("data", {})
    text = html.escape(data.get("text/plain", output.get("text", "")))
    if "text/markdown" in data:
        return markdown(data["text/markdown"])
    if "text/html" in data:
        return data["text/html"]
    for kind in ("image/png", "image/jpeg"):
        if kind in data:
            return f'<img src="data:{kind};base64,{data[kind].strip()}" alt="{text}">'
    return data.get("image/svg+xml") or f"<pre>{text}</pre>"


def notebook_html(notebook):
    """Return a notebook's cells as HTML."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            yield markdown(cell.source)
        elif cell.cell_type == "code":
            yield code(cell.source)
            yield from (f'<div class="output">{output_html(output)}</div>' for output in cell.outputs)


def link(target, text):
    """Return a link."""
    return f'<a href="{html.escape(target)}">{html.escape(text)}</a>'


def page_of(path):
    """Return the path of a notebook's page."""
    return path.replace(".ipynb", ".html")


def heading(text):
    """Return the first heading of a Markdown text, or ""."""
    match = re.search(r"^# (.*)", text, re.MULTILINE)
    return match[1] if match else ""


def title_of(notebook):
    """Return a notebook's title: "01 · The forward pass"."""
    return heading("\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown"))


class Site:
    """The pages in a folder.

    folder  where they go
    places  the addresses of this fork
    """

    def __init__(self, folder, places):
        """Take a folder that exists."""
        self.folder, self.places = folder, places
        self.to_read = set()  # files that a page links to

    def write(self, path, title, body, links=()):
        """Write one page."""
        top = "../" * path.count("/")
        page = PAGE.format(title=html.escape(title), top=top, body=body,
                           links=" · ".join([link(f"{top}index.html", TITLE), *links]))
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(page, encoding="utf-8", newline="\n")

    def course_links(self, body, path):
        """Let the links in what was a file of the course lead to pages, and note which files are wanted as such.

        What is no page can be seen on GitHub, or else is the first page's matter.
        """
        top = "../" * path.count("/")

        def change(target):
            file, mark, anchor = target.partition("#")
            inside = posixpath.normpath(posixpath.join(posixpath.dirname(path), file))
            if not file or not (ROOT / inside).exists() or inside.startswith("images/"):
                return target
            if file.endswith(".ipynb"):
                return page_of(file) + mark + anchor
            if file.endswith((".py", ".md")) and inside != "README.md":
                self.to_read.add(inside)
                return f"{file}.html{mark}{anchor}"
            return self.places.source(inside) if self.places.repository else f"{top}index.html"

        return with_links(body, change, ATTRIBUTE)

    def open_links(self, path, top=""):
        """Return the links that open a notebook with a kernel."""
        yield link(top + LITE.format(path=path), "run here")
        if self.places.repository:
            yield link(self.places.colab(path), "Colab")
            yield link(self.places.binder(path), "Binder")

    def write_notebooks(self, paths):
        """Write a page to read for each notebook."""
        for path in paths:
            notebook = with_first_line(nbformat.read(ROOT / path, as_version=4), None)
            body = "\n".join(notebook_html(notebook))
            self.write(page_of(path), title_of(notebook), self.course_links(body, path),
                       self.open_links(path, "../" * path.count("/")))

    def write_files(self):
        """Write a page for each file that the pages link to, and for those that these link to."""
        written = set()
        while self.to_read - written:
            path = min(self.to_read - written)
            written.add(path)
            text = (ROOT / path).read_text(encoding="utf-8")
            if path.endswith(".md"):
                body = self.course_links(markdown(text), path)
            else:
                body = f"<h1>{html.escape(path)}</h1>" + code(text)
            self.write(f"{path}.html", path, body)

    def write_first_page(self, paths):
        """Write the page that lists all notebooks."""
        readme = (ROOT / "README.md").read_text(encoding="utf-8")
        gains, picture = dict(README_ROW.findall(readme)), PICTURE.search(readme)
        rows = []
        for path in paths:
            if "/solutions/" in path:
                continue
            title = title_of(nbformat.read(ROOT / path, as_version=4))
            solved = path.replace("notebooks/", "notebooks/solutions/")
            ways = [link(page_of(path), "read"), *self.open_links(path)]
            ways += [link(page_of(solved), "answers")] if solved in paths else []
            rows.append(ROW.format(title=html.escape(title), gain=markdown(gains.get(path, "")), ways=" · ".join(ways)))
        texts = sorted(file.relative_to(ROOT).as_posix() for file in (ROOT / "notebooks").glob("*.md"))
        self.to_read.update(texts)
        more = [link(f"{path}.html", heading((ROOT / path).read_text(encoding="utf-8"))) for path in texts]
        start = f'<a class="button" href="{LITE.format(path=START)}">Open the course in this browser</a>'
        first = link(page_of(START), "Read the first notebook")
        body = FIRST_PAGE.format(start=start, first=first, picture=picture[0] if picture else "", rows="\n".join(rows),
                                 more=" · ".join(more), elsewhere="" if self.places.repository else NOWHERE)
        repository = f"https://github.com/{self.places.repository}"
        self.write("index.html", TITLE, body, [link(repository, "Repository")] if self.places.repository else [])

    def write_style(self, css):
        """Write the style sheet: ours, and the colours of code."""
        text = css + "\n" + HtmlFormatter().get_style_defs(".highlight") + "\n"
        (self.folder / "style.css").write_text(text, encoding="utf-8", newline="\n")
