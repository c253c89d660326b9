"""Where the links of a page lead: to a file, and to a heading in it."""

import re
from urllib.parse import unquote

from execute_notebooks import read

LINK = re.compile(r"(?<!!)\[(?:[^\]\[]|\[[^\]]*\])*\]\(([^)\s]+)\)|<a\b[^>]*href=[\"']([^\"']+)[\"']")
FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)


def prose(path):
    """The Markdown of a page or of a notebook."""
    if path.suffix == ".md":
        return path.read_text(encoding="utf-8")
    return "\n\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")


def anchors(text):
    """Where JupyterLab lets a link jump to: every heading, its blanks as hyphens."""
    headings = re.findall(r"^#+\s+(.*)$", FENCED.sub("", text), re.MULTILINE)
    return {re.sub(r"[*`]", "", heading).strip().replace(" ", "-") for heading in headings}


def dead_links(text, path, page):
    """What is wrong with the links in a piece of text, which stands in the file `path`; `page` is all of that."""
    for target in (a or b for a, b in LINK.findall(FENCED.sub("", text))):
        file, _, anchor = target.partition("#")
        if "://" in target or target.startswith("mailto:"):
            continue
        linked = (path.parent / unquote(file)).resolve() if file else path
        if not linked.exists():
            yield f"the link {target} leads nowhere"
        elif anchor and (linked.is_dir() or unquote(anchor) not in anchors(page if linked == path else prose(linked))):
            yield f"the link {target} leads to no heading of {linked.name}"
        elif not unquote(anchor).isascii():
            yield f"the link {target} does not jump in JupyterLab, which looks for the heading by its encoded letters"
