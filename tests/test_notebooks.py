"""Every notebook keeps the house rules, and every rule is shown to catch a notebook that breaks it.

nbval compares what the cells print; these rules are about the pages themselves.
"""

import itertools
import re
import shlex
import sys
from pathlib import Path

import nbformat
import pytest
from execute_notebooks import (
    METADATA,
    ROOT,
    WIDGET_VIEW,
    changed_cells,
    command,
    normalise,
    notebooks,
    read,
    readable,
    to_text,
)
from links import FENCED, dead_links
from nbval.plugin import comment_markers, metadata_tags

from rnn_lib.plots.words import MIN_WORDS, mime_bundle

MAX_PROSE_WORDS = 150
MAX_CODE_LINES = 18
MIN_ALT_WORDS = 4
IMAGE = re.compile(r"!\[(?P<alt>[^\]]*)\]\((?P<target>[^)\s]+)[^)]*\)|(?P<tag><img\b[^>]*>)")
LIST_ITEM = re.compile(r" {0,3}(\d+[.)]|[-+*]) ")
NOT_PROSE = re.compile(
    r"<details>.*?</details>|\$\$.*?\$\$|\\begin\{(\w+\*?)\}.*?\\end\{\1\}|<[^>]+>", re.DOTALL,
)
MACHINE = re.compile(  # addresses, paths, progress bars
    r"0x[0-9a-fA-F]{4,}|/(?:home|root|tmp|work|opt|usr|var|Users|private)/|\b[A-Za-z]:\\\w|site-packages|\d%\||\d\w*/s\b"
)
CHECK = re.compile(r"^exercises\.(check_\w+)\(", re.MULTILINE)  # a call whose report is used is a demonstration
# A clone needs no installation: rnn_lib lies one folder up, or two. The copies that the site hands out have another
# line in its place, which installs the course of the fork that built the site: no committed line could name a fork.
FIRST_LINE = 'import sys; sys.path += ["..", "../.."]  # rnn_lib of this clone (the site\'s copies install it)'
VERDICT = re.compile(r"^(Correct|Not started|Not yet)\b")


# --- Rules: each takes a notebook and its path and yields what is wrong ---------------------------


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def prose_cells(notebook):
    return [(i, cell.source) for i, cell in enumerate(notebook.cells) if cell.cell_type == "markdown"]


def texts(output):
    """Every text that an output shows, by its kind."""
    if output.output_type == "stream":
        return {output.name: output.text}
    data = output.get("data", {})
    return {kind: text for kind, text in data.items() if isinstance(text, str) and not kind.startswith("image/")}


def pictures(output):
    """The kinds of picture that an output holds."""
    return [kind for kind in output.get("data", {}) if kind.startswith("image/")]


def first_line(notebook, path):
    places = [(i, cell.source.find(FIRST_LINE)) for i, cell in enumerate(code_cells(notebook))]
    if [(i, place) for i, place in places if place >= 0] != [(0, 0)]:
        yield f"the first code cell, and no other, should begin with the line {FIRST_LINE}"


def execution_counts(notebook, path):
    counts = [cell.execution_count for cell in code_cells(notebook)]
    if counts != list(range(1, len(counts) + 1)):
        yield f"execution counts are {counts}, not 1, 2, 3 ...: run the notebook from the top"


def clean_outputs(notebook, path):
    for number, cell in enumerate(code_cells(notebook), start=1):
        for output in cell.outputs:
            if output.output_type == "error":
                yield f"code cell {number} raises {output.ename}: {output.evalue}"
            if output.output_type == "stream" and output.name == "stderr":
                yield f"code cell {number} writes to stderr: {output.text[:80]!r}"


def nothing_ignored(notebook, path):
    for number, cell in enumerate(code_cells(notebook), start=1):
        for tag in cell.metadata.get("tags", []):
            if tag in metadata_tags:
                yield f"code cell {number} has the tag {tag!r}: every cell is compared"
        for marker in comment_markers:
            if marker in cell.source:
                yield f"code cell {number} says {marker}: every cell is compared"
        if re.search(r"^\s*[%!]", cell.source, re.MULTILINE):
            yield f"code cell {number} has a magic or a shell command, which may hide output or differ elsewhere"


def no_widget_state(notebook, path):
    if "widgets" in notebook.metadata:
        yield "the metadata holds saved widgets"
    for number, cell in enumerate(code_cells(notebook), start=1):
        if any(WIDGET_VIEW in output.get("data", {}) for output in cell.outputs):
            yield f"code cell {number} refers to a widget that lived in an old kernel"


def figures_have_pictures(notebook, path):
    for number, cell in enumerate(code_cells(notebook), start=1):
        for output in cell.outputs:
            text, described = output.get("data", {}).get("text/plain", ""), set(output.get("metadata", {}))
            if text.startswith("<Figure") and not pictures(output) or described - set(output.get("data", {})):
                yield f"code cell {number} has a figure without its picture"


def figures_speak(notebook, path):
    said = {}
    for number, cell in enumerate(code_cells(notebook), start=1):
        for output in cell.outputs:
            if any("<Figure" in text for text in texts(output).values()):
                yield f"code cell {number} shows '<Figure': rnn_lib/plots/style.py says how a figure gets its sentence"
            for kind in pictures(output):
                sentence, alt = output.data.get("text/plain", ""), output.metadata.get(kind, {}).get("alt", "")
                if len(sentence.split()) < MIN_WORDS:
                    yield f"code cell {number} has a figure that says no more than {sentence!r}"
                if alt != sentence:
                    yield f"code cell {number} has a figure whose alt text is {alt!r}, not its sentence"
                if sentence in said:
                    yield f"code cells {said[sentence]} and {number} have figures with the same sentence"
                said[sentence] = number


def images_described(notebook, path):
    for i, source in prose_cells(notebook):
        for match in IMAGE.finditer(FENCED.sub("", source)):
            alt, target = match["alt"], match["target"]
            if match["tag"]:
                attributes = dict(re.findall(r"(\w+)=[\"']([^\"']*)[\"']", match["tag"]))
                alt, target = attributes.get("alt", ""), attributes.get("src", "")
            if len(alt.split()) < MIN_ALT_WORDS:
                yield f"cell {i}: the alt text {alt!r} of {target} does not say what is seen"
            if "://" in target or not (path.parent / target).is_file():
                yield f"cell {i}: there is no image {target} in the repository"


def links_resolve(notebook, path):
    page = "\n\n".join(source for _, source in prose_cells(notebook))
    for i, source in prose_cells(notebook):
        for problem in dead_links(source, path, page):
            yield f"cell {i}: {problem}"


def short_prose(notebook, path):
    for i, source in prose_cells(notebook):
        text = NOT_PROSE.sub(" ", FENCED.sub("", source))
        words = len(re.sub(r"\$[^$]*\$", "math", text).replace("|", " ").split())  # those of a table, too
        if words > MAX_PROSE_WORDS:
            yield f"cell {i} has {words} words, more than {MAX_PROSE_WORDS}: {source[:40]!r}"


def lists_on_purpose(notebook, path):
    for i, source in prose_cells(notebook):
        for before, line in itertools.pairwise(FENCED.sub("", source).split("\n")):
            if LIST_ITEM.match(line) and before.strip() and not (LIST_ITEM.match(before) or before.startswith("  ")):
                yield f"cell {i}: after {before[-20:]!r} the line {line[:20]!r} begins a list: leave a line empty"


def short_code(notebook, path):
    for number, cell in enumerate(code_cells(notebook), start=1):
        lines = sum(bool(line.strip()) for line in cell.source.splitlines())
        if lines > MAX_CODE_LINES:
            yield f"code cell {number} has {lines} lines, more than {MAX_CODE_LINES}"


def same_on_any_machine(notebook, path):
    for number, cell in enumerate(code_cells(notebook), start=1):
        for output in cell.outputs:
            for kind, text in texts(output).items():
                for match in MACHINE.findall(text):
                    yield f"code cell {number} shows {match!r} ({kind}), which is this machine's alone"


def normal_form(notebook, path):
    different = [key for key in {**METADATA, **notebook.metadata} if METADATA.get(key) != notebook.metadata.get(key)]
    if different:
        yield f"the metadata are not those of the plain kernel: {', '.join(different)}"
    changed, script = changed_cells(notebook), "tests/execute_notebooks.py"
    if changed:
        yield f"code cell {changed[0]} was changed after it ran: {command(script, readable(path))}"
    elif to_text(notebook) != to_text(normalise(notebook)):
        yield f"not in the normal form: {command(script, '--no-run', readable(path))}"


def title_and_recap(notebook, path):
    first = notebook.cells[0].source if notebook.cells else ""
    if not first.startswith(f"# {path.name[:2]} · "):
        yield f"the first cell does not begin with the title '# {path.name[:2]} · ...'"
    if path.parent.name == "solutions":
        return
    for wanted in ("You will learn", "Before this", "Time"):
        if f"**{wanted}" not in first:
            yield f"the first cell does not say **{wanted}**"
    if not any(re.search(r"^## Recap", source, re.MULTILINE) for _, source in prose_cells(notebook)):
        yield "there is no '## Recap'"


RULES = [
    first_line, execution_counts, clean_outputs, nothing_ignored, no_widget_state, figures_have_pictures, figures_speak,
    images_described, links_resolve, lists_on_purpose, short_prose, short_code, same_on_any_machine, normal_form,
    title_and_recap,
]


def checks_of(notebook):
    """The names of the checks that a notebook calls."""
    return {name for cell in code_cells(notebook) for name in CHECK.findall(cell.source)}


def verdicts(notebook):
    """The verdict shown after each check: (number of the code cell, "Correct", "Not yet" or "Not started")."""
    for number, cell in enumerate(code_cells(notebook), start=1):
        if CHECK.search(cell.source):
            shown = [VERDICT.match(output.get("data", {}).get("text/plain", "")) for output in cell.outputs]
            yield number, next((match[1] for match in shown if match), "no verdict")


def solutions_match(course, solutions):
    """What is wrong with a notebook and its solutions (None in a course handed out without them) taken together."""
    for number, verdict in verdicts(course):
        if verdict != "Not started":
            yield f"code cell {number} shows {verdict!r} before anybody answered, not 'Not started'"
    if solutions is None:
        return
    for name in sorted(checks_of(course) ^ checks_of(solutions)):
        yield f"{name} is called in only one of the notebook and its solutions"
    for number, verdict in verdicts(solutions):
        if verdict != "Correct":
            yield f"code cell {number} of the solutions shows {verdict!r}, not 'Correct'"


# --- The course keeps the rules -------------------------------------------------------------------


def relative(path):
    return readable(path) if isinstance(path, Path) else None  # None: there are no paths


def test_every_notebook_is_found_by_its_number():
    paths = {path for folder in ("notebooks", "notebooks/solutions") for path in (ROOT / folder).glob("*.ipynb")}
    unfound = sorted(map(readable, paths - set(notebooks())))
    assert notebooks() and not unfound, f"call it 07_name.ipynb, or such: {', '.join(unfound)}"
    numbers = [path.name[:2] for path in notebooks() if path.parent.name == "notebooks"]
    assert len(set(numbers)) == len(numbers), "two notebooks have the same number"


@pytest.mark.parametrize("path", notebooks(), ids=relative)
def test_notebook_keeps_the_rules(path):
    notebook = read(path)
    problems = [problem for rule in RULES for problem in rule(notebook, path)]
    assert not problems, "\n".join(problems)
    assert path.read_text(encoding="utf-8") == to_text(notebook), "the file is not written as execute_notebooks does"


@pytest.mark.parametrize("path", [path for path in notebooks() if path.parent.name == "notebooks"], ids=relative)
def test_exercises_and_solutions_match(path):
    solved = path.parent / "solutions" / path.name
    notebook = read(path)
    promised = "(notebooks/solutions)" in (ROOT / "README.md").read_text(encoding="utf-8")
    if checks_of(notebook) and promised and solved.parent.exists():  # else a teacher holds all or some back
        assert solved.is_file(), f"{path.name} has exercises, and README a link to solutions: no {readable(solved)}"
    problems = list(solutions_match(notebook, read(solved) if solved.is_file() else None))
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("path", [path for path in notebooks() if path.parent.name == "solutions"], ids=relative)
def test_solutions_belong_to_a_notebook(path):
    assert (path.parent.parent / path.name).is_file()


# --- Each rule catches what it is for -------------------------------------------------------------

TITLE = "# 01 · Example\n**You will learn** a thing. **Before this**: nothing. **Time**: one minute."


def page(*cells):
    return normalise(nbformat.v4.new_notebook(cells=list(cells)))


def prose(source):
    return nbformat.v4.new_markdown_cell(source)


def code(source, *outputs):
    cell = nbformat.v4.new_code_cell(source)
    cell.outputs = [nbformat.from_dict(output) for output in outputs]
    return cell


def result(text, **data):
    return {"output_type": "execute_result", "data": {"text/plain": text, **data}, "metadata": {}, "execution_count": 1}


def figure(sentence, picture="iVBORw0KGgo="):
    """The output of a figure that speaks."""
    data, metadata = mime_bundle(sentence)
    return result(data["text/plain"], **({"image/png": picture} if picture else {})) | {"metadata": metadata}


def stream(name, text):
    return {"output_type": "stream", "name": name, "text": text}


def good():
    """A small notebook that keeps every rule."""
    return page(
        prose(TITLE),
        prose("![a wave that rises and falls](../images/wave.svg) Jump to the [recap](#Recap), "
              "to [a word](words.md#hidden-state), to [pages](.) or [out](https://a.org)."),
        prose("<details><summary>Hint</summary>" + "word " * 200 + "</details>\n\n$$" + "x + " * 200 + "1$$"),
        code(f"{FIRST_LINE}\nprint(1)", stream("stdout", "1\n")),
        code("draw()", figure("The loss falls from 0.5 to 0.01.")),
        prose("## Recap"),
    )


def changed(notebook, cell, **changes):
    notebook.cells[cell].update(changes)
    return notebook


def showing(notebook, cell, output):
    return changed(notebook, cell, outputs=[nbformat.from_dict(output)])


def with_metadata(notebook, **metadata):
    notebook.metadata.update(metadata)
    return notebook


# Each row: the rule, what to do to a good notebook, and words of the report.
BREAKS = [
    (first_line, lambda n: changed(n, 3, source="print(1)"), "begin with the line import sys"),
    (first_line, lambda n: changed(n, 3, source=n.cells[3].source.replace("..", "...", 1)), "begin with"),
    (first_line, lambda n: changed(n, 4, source=n.cells[3].source), "and no other"),
    (execution_counts, lambda n: changed(n, 3, execution_count=7), "run the notebook from the top"),
    (execution_counts, lambda n: changed(n, 3, execution_count=None), "run the notebook from the top"),
    (clean_outputs, lambda n: showing(n, 3, {"output_type": "error", "ename": "KeyError", "evalue": "1"}), "KeyError"),
    (clean_outputs, lambda n: showing(n, 3, stream("stderr", "Oh")), "stderr: 'Oh'"),
    (nothing_ignored, lambda n: changed(n, 3, source="# NBVAL_IGNORE_OUTPUT\nprint(1)"), "NBVAL_IGNORE_OUTPUT"),
    (nothing_ignored, lambda n: changed(n, 3, source="# PYTEST_VALIDATE_IGNORE_OUTPUT"), "every cell is compared"),
    (nothing_ignored, lambda n: changed(n, 3, metadata={"tags": ["nbval-skip"]}), "the tag 'nbval-skip'"),
    (nothing_ignored, lambda n: changed(n, 3, metadata={"tags": ["raises-exception"]}), "raises-exception"),
    (nothing_ignored, lambda n: changed(n, 3, source="%%capture\nprint(1)"), "magic"),
    (nothing_ignored, lambda n: changed(n, 3, source="!ls"), "magic or a shell command"),
    (no_widget_state, lambda n: with_metadata(n, widgets={"state": {}}), "saved widgets"),
    (no_widget_state, lambda n: showing(n, 3, result("P", **{WIDGET_VIEW: {}})), "widget"),
    (figures_have_pictures, lambda n: showing(n, 4, result("<Figure size 1>")), "picture"),
    (figures_have_pictures, lambda n: showing(n, 4, figure("The loss falls from 0.5 to 0.01.", "")), "picture"),
    (figures_speak, lambda n: showing(n, 4, figure("<Figure size 9x3 with 1 Axes>")), "shows '<Figure'"),
    (figures_speak, lambda n: showing(n, 3, stream("stdout", "see <Figure size 9x3>")), "shows '<Figure'"),
    (figures_speak, lambda n: showing(n, 4, figure("A loss that falls")), "no more than 'A loss that falls'"),
    (figures_speak, lambda n: showing(n, 4, figure("The loss falls to 0.01.") | {"metadata": {}}), "alt text is ''"),
    (figures_speak, lambda n: showing(n, 3, figure("The loss falls from 0.5 to 0.01.")), "code cells 1 and 2 have"),
    (images_described, lambda n: changed(n, 1, source="![a wave](../images/wave.svg)"), "'a wave'"),
    (images_described, lambda n: changed(n, 1, source="<img src='../images/wave.svg'>"), "what is seen"),
    (images_described, lambda n: changed(n, 1, source="![one two three four](../images/gone.svg)"), "no image"),
    (images_described, lambda n: changed(n, 1, source="![one two three four](https://a.org/b.png)"), "no image"),
    (links_resolve, lambda n: changed(n, 1, source="[next](02_gone.ipynb)"), "leads nowhere"),
    (links_resolve, lambda n: changed(n, 1, source="<a href='02_gone.ipynb'>next</a>"), "leads nowhere"),
    (links_resolve, lambda n: changed(n, 1, source="[below](#Nothing-there)"), "no heading"),
    (links_resolve, lambda n: changed(n, 1, source="[word](words.md#gone)"), "no heading of words.md"),
    (links_resolve, lambda n: changed(n, 1, source="[pages](../notebooks#gone)"), "no heading"),
    (links_resolve, lambda n: changed(n, 1, source="## 1 · A\n[there](#1-·-A)"), "does not jump"),
    (lists_on_purpose, lambda n: changed(n, 1, source="it stretches axes of size\n1. That is meant."), "begins a list"),
    (short_prose, lambda n: changed(n, 1, source="word " * 151), "151 words"),
    (short_prose, lambda n: changed(n, 1, source="| a | b |\n| --- | --- |\n" + "| word | word |\n" * 80), "words"),
    (short_code, lambda n: changed(n, 3, source="x = 1\n" * 19), "19 lines"),
    (same_on_any_machine, lambda n: showing(n, 3, result("<A at 0x7f3a12>")), "0x7f3a12"),
    (same_on_any_machine, lambda n: showing(n, 3, stream("stdout", "/home/me")), "/home/"),
    (same_on_any_machine, lambda n: showing(n, 3, stream("stdout", " 12%|#   | 1/8 [00:01, 3.1it/s]")), "2%|"),
    (same_on_any_machine, lambda n: showing(n, 3, stream("stdout", "C:\\me")), "alone"),
    (normal_form, lambda n: with_metadata(n, language_info={"name": "python", "version": "3.11.2"}), "metadata"),
    (normal_form, lambda n: changed(n, 3, id="something"), "code cell 1 was changed after it ran"),
    (normal_form, lambda n: changed(n, 4, source="draw(2)"), "code cell 2 was changed after it ran"),
    (normal_form, lambda n: changed(n, 1, id="something"), "normal form"),
    (normal_form, lambda n: changed(n, 3, metadata={"collapsed": True}), "normal form"),
    (normal_form, lambda n: changed(n, 3, source=n.cells[3].source + "\n\n"), "normal form"),
    (title_and_recap, lambda n: changed(n, 0, source=TITLE.replace("01", "02")), "begin with the title"),
    (title_and_recap, lambda n: changed(n, 0, source=TITLE.replace("Time", "Hours")), "**Time**"),
    (title_and_recap, lambda n: changed(n, 5, source="## The end"), "Recap"),
]


@pytest.fixture
def path(tmp_path):
    """Where the good notebook would be, with the image that it shows."""
    for folder in ("images", "notebooks"):
        (tmp_path / folder).mkdir()
    (tmp_path / "images" / "wave.svg").write_text("<svg/>")
    (tmp_path / "notebooks" / "words.md").write_text("# Words\n\n### hidden state\n")
    path = tmp_path / "notebooks" / "01_example.ipynb"
    path.write_text(to_text(good()), encoding="utf-8")
    return path


def test_a_good_notebook_breaks_no_rule(path):
    assert [problem for rule in RULES for problem in rule(good(), path)] == []


@pytest.mark.parametrize(("rule", "damage", "words"), BREAKS)
def test_each_rule_catches_its_breach(rule, damage, words, path):
    assert any(words in problem for problem in rule(damage(good()), path))


@pytest.mark.skipif(sys.platform == "win32", reason="another shell, other quotes")
def test_a_command_can_be_typed_where_a_path_has_a_space(path, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/my course/.venv/bin/python")
    spaced = path.with_name("01_my example.ipynb")
    (problem,) = normal_form(changed(good(), 1, id="something"), spaced)
    assert shlex.split(problem.partition(": ")[2]) == [
        "/my course/.venv/bin/python", "tests/execute_notebooks.py", "--no-run", str(spaced)]


def test_every_rule_has_a_breach():
    assert {rule for rule, _, _ in BREAKS} == set(RULES)


def exercise(verdict, name="check_sum"):
    return page(code(f"exercises.{name}(answer)", result(f"{verdict}: as it is.")))


@pytest.mark.parametrize(("course", "solutions", "words"), [
    (exercise("Not started"), None, None),
    (exercise("Correct"), None, "'Correct' before anybody answered"),
    (exercise("Correct"), exercise("Correct"), "'Correct' before anybody answered"),
    (exercise("Not started"), exercise("Not yet"), "solutions shows 'Not yet'"),
    (exercise("Not started"), page(code("exercises.check_sum(answer)")), "solutions shows 'no verdict'"),
    (exercise("Not started"), exercise("Correct", "check_other"), "check_sum is called in only one"),
    (exercise("Not started"), exercise("Correct"), None),
    (page(code("report = exercises.check_sum(3)\nreport", result("Not yet: no."))), None, None),
    (page(code("print(1)")), None, None),
])
def test_exercises_and_solutions_are_compared(course, solutions, words):
    problems = list(solutions_match(course, solutions))
    assert problems == [] if words is None else any(words in problem for problem in problems)
