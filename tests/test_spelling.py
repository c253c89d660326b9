"""The course is spelled rightly, and as the British do: its pages, its notebooks, its docstrings and its messages.

It needs codespell (`pip install -e '.[dev]'`), and is skipped where there is none.
"""

import ast
import functools
import re
import subprocess
import sys
from pathlib import Path

import pytest
from execute_notebooks import ROOT, notebooks, read, readable

codespell_lib = pytest.importorskip("codespell_lib", reason="codespell is not installed: pip install -e '.[dev]'")

NO_PROSE = re.compile(  # code, mathematics, addresses
    r"^```.*?^```|`[^`\n]*`|\$\$.*?\$\$|\$[^$]*\$|\\begin\{(\w+\*?)\}.*?\\end\{\1\}|\]\([^)]*\)|<[^>]*>|https?://\S+"
    r"|\b\w*_\w*\b|\b\w+\.\w+\b|\b\w+\(",
    re.DOTALL | re.MULTILINE,
)
RIGHT = {"vermillion"}  # so Okabe and Ito spell it
BOTH = {"check", "checks", "disk", "license", "meter", "practice", "program", "story", "tire"}  # British, too
NAMES = {"optimizer", "Center"}  # of an argument, of which docstrings speak, and in that of an institute


def american():
    """{American word: British word}, from codespell's own list, which translates the other way."""
    path = Path(codespell_lib.__file__).parent / "data" / "dictionary_en-GB_to_en-US.txt"
    pairs = (line.strip().split("->") for line in path.read_text(encoding="utf-8").splitlines())
    return {to: word for word, to in pairs if "," not in to and to not in BOTH}


def strings(path):
    """The docstrings in a file, and in the library every other string of three words or more: its messages."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module):
            yield ast.get_docstring(node) or ""
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and path.is_relative_to(ROOT / "rnn_lib"):
            yield node.value if len(node.value.split()) > 2 else ""


@functools.cache
def texts():
    """{file: its prose}: of pages, notebooks, pictures and modules, without code and mathematics."""
    pages = [ROOT / "README.md", *sorted((ROOT / "notebooks").glob("*.md")), *(ROOT / "rnn_lib").rglob("*.md")]
    found = {path: path.read_text(encoding="utf-8") for path in pages}
    for path in notebooks():
        cells = [cell for cell in read(path).cells if not cell.source.startswith("**References**")]  # titles of papers
        found[path] = "\n\n".join(
            cell.source if cell.cell_type == "markdown" else "\n".join(re.findall(r"#\s.*$", cell.source, re.MULTILINE))
            for cell in cells)
    for path in (ROOT / "images").glob("*.svg"):
        found[path] = re.sub(r"<style>.*?</style>", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    found = {path: NO_PROSE.sub(" ", text) for path, text in found.items()}
    for path in [*(ROOT / "rnn_lib").rglob("*.py"), *(ROOT / "tests").rglob("*.py")]:
        if path != Path(__file__):
            found[path] = NO_PROSE.sub(" ", "\n\n".join(strings(path)))
    return found


def misspelled(texts, folder):
    """Lines `file: word ==> correction` for a dict {name: text}; `folder` is an empty one."""
    for name, text in texts.items():
        (folder / name.replace("/", " ")).write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "codespell_lib", "--ignore-words-list", ",".join(RIGHT), "."]
    answer = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert not answer.stderr, answer.stderr
    return answer.stdout.splitlines()


def test_spelling(tmp_path):
    lines = misspelled({readable(path): text for path, text in texts().items()}, tmp_path)
    assert not lines, "\n".join(lines)


def test_british_spelling():
    words = american()
    assert words["color"] == "colour" and words["behavior"] == "behaviour" and words["normalize"] == "normalise"
    found = [f"{readable(path)}: {word}, in British {words[word.lower()]}" for path, text in texts().items()
             for word in re.findall(r"[A-Za-z]+", text)
             if word.lower() in words and word not in NAMES]
    assert not found, "\n".join(found)


def test_a_misspelled_word_is_seen(tmp_path):
    (line,) = misspelled({"page": "The gradient vanishes, and is recieved."}, tmp_path)
    assert "recieved ==> received" in line


def test_code_and_mathematics_are_no_prose():
    text = "A `color` of $color$ in [a text](color.md), and\n```\ncolor\n```\nof plots.color(x) <img color>"
    assert "color" not in NO_PROSE.sub(" ", text)
