"""Is everything here that the course needs? Notebook 00 asks, before anything else can puzzle a learner."""

import re
import sys
import tomllib
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

__all__ = ["check_installation"]

COURSE = Path(__file__).resolve().parents[2]


def check_installation():
    """Print a line for `rnn_lib`, for Python and for each package that the course needs: "yes", or what is wrong.

    What is needed stands in pyproject.toml, beside `rnn_lib`, however old the installation is. `rnn_lib` should be the
    one that lies in the same folder as the notebooks, where one does: beside notebooks alone, as in Colab, any is right
    (and has no pyproject.toml to read). No file beside the notebook may bear a package's name, as it would hide it.
    """
    here = Path.cwd()
    clones = [folder for folder in (here, *here.parents) if (folder / "rnn_lib" / "__init__.py").is_file()]
    lies_here = here.is_relative_to(COURSE) or not clones
    print(f"rnn_lib of this folder: {'yes' if lies_here else f'no, it is the one in {COURSE}'}")
    needed = COURSE / "pyproject.toml"
    if not needed.is_file():
        return
    project = tomllib.loads(needed.read_text(encoding="utf-8"))["project"]
    for need in [f"Python{project['requires-python']}", *project["dependencies"]]:
        name, oldest = re.match(r"([\w-]+)>=([\d.]+)", need).groups()
        print(f"{name} {oldest} or newer: {verdict(name, oldest, here)}")


def verdict(name, oldest, here):
    """Return "yes" if a package (or Python) is at least `oldest` and lies elsewhere than `here`, otherwise why not."""
    found = sys.version.split()[0] if name == "Python" else ""
    if not found:
        spec = find_spec(name)
        if spec is None:
            return "no, it is missing"
        origin = Path(spec.origin or here.root)
        if origin.parent in (here, here / name):
            return f"no, hidden by something of yours: give {origin.relative_to(here).parts[0]} another name"
        found = version(name)
    return "yes" if numbers(found) >= numbers(oldest) else f"no, it is {found}"


def numbers(text):
    """Return the numbers of a version: "4.66.3" gives [4, 66, 3]."""
    return [int(digits) for digits in re.findall(r"\d+", text)]
