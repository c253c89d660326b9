"""notebooks/glossary.md: every term in its place, with a link to where the course explains it and names that exist."""

import re

from execute_notebooks import ROOT, notebooks, read

PAGE = (ROOT / "notebooks" / "glossary.md").read_text(encoding="utf-8")
INDEX, TERMS = PAGE.split("## From a to z")
ENTRIES = {head: text for head, text in re.findall(r"^### (.+?)\n(.*?)(?=^### |\Z)", TERMS, re.DOTALL | re.MULTILINE)}


def test_terms_are_in_order_and_each_is_in_the_index():
    assert list(ENTRIES) == sorted(ENTRIES, key=str.lower)
    assert sorted(re.findall(r"\[([^\]]+)\]\(#", INDEX)) == sorted(ENTRIES)
    # so that a link jumps to it in JupyterLab, and on GitHub, which drops all other signs
    assert all(re.fullmatch(r"[A-Za-z0-9 -]+", head) for head in ENTRIES)


def test_an_entry_is_short_and_leads_into_a_notebook():
    for head, text in ENTRIES.items():
        meaning, *beside = text.strip().split("\n\n")
        assert len(meaning) <= 240, f"{head}: two lines at most"
        assert len(beside) == 1 and re.search(r"\]\(\d\d_\w+\.ipynb#", beside[0]), head


def test_each_term_is_linked_where_the_course_first_uses_it():
    """In the notebook under which the page lists it, or before."""
    linked = set()
    for path in notebooks():
        own = {link for cell in read(path).cells if cell.cell_type == "markdown"
               for link in re.findall(r"\]\(glossary\.md#([\w-]+)\)", cell.source)}
        linked |= own
        for line in re.findall(rf"^- \*\*\[{path.name[:2]}\].*$", INDEX, re.MULTILINE) if own else ():
            missing = set(re.findall(r"\(#([\w-]+)\)", line)) - linked
            assert not missing, f"{path.name}: {', '.join(sorted(missing))}"
    assert len(linked) > 50


def test_names_in_code_are_those_of_the_course():
    code = [path.read_text(encoding="utf-8") for path in (ROOT / "rnn_lib").rglob("*.py")]
    code += [cell.source for path in notebooks() for cell in read(path).cells if cell.cell_type == "code"]
    known = set(re.findall(r"\w+", "\n".join(code)))
    used = {name for text in ENTRIES.values() for span in re.findall(r"`([^`]+)`", text)
            for name in re.findall(r"[A-Za-z_]\w*", span)}
    assert "hidden_states" in used and not used - known
