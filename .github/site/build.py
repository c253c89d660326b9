"""Build the course's site in a folder: pages to read, and a JupyterLab that runs in the reader's browser.

    python -m venv build/venv && build/venv/bin/python -m pip install -q -r .github/site/requirements.txt
    build/venv/bin/python .github/site/build.py build/site
    python -m http.server -d build/site

It needs a network: for wheels that the reader's kernel installs from the site, and for what builds `rnn_lib`'s own.
The workflow `site.yml` publishes the folder, and the one that `--colab` names as the branch that Colab opens.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import nbformat
from copies import for_colab, for_lite
from pages import Site
from places import ROOT, find_places

HERE = Path(__file__).resolve().parent
KERNEL_WHEELS = ["ipywidgets", "jupyterlab_widgets", "comm"]  # what Pyodide itself does not have
MARK = ".nojekyll"  # tells Pages to publish the files as they are, and us that the folder was built here
CACHES = shutil.ignore_patterns("__pycache__", ".*")


def make_anew(folder):
    """Make an empty folder, in the place of what was built there before. Raises FileExistsError if it was not."""
    if folder.exists():
        if any(folder.iterdir()) and not (folder / MARK).exists():
            raise FileExistsError(f"{folder} holds something else than a site: name another folder")
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / MARK).touch()


def notebooks():
    """Return the path in the repository of every notebook, in reading order, then of the solutions."""
    paths = (path.relative_to(ROOT) for path in (ROOT / "notebooks").rglob("*.ipynb"))
    shown = [path.as_posix() for path in paths if not any(part.startswith(".") for part in path.parts)]
    return sorted(shown, key=lambda path: (path.count("/"), path))


def run(*command, **options):
    """Run a Python module; what it says is shown if it fails."""
    done = subprocess.run([sys.executable, "-m", *map(str, command)], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, **options)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command[:3]))} failed:\n{done.stdout}")


def make_wheels(folder):
    """Put the wheels of the course and of what its kernel needs into a folder; return the name of the course's."""
    with tempfile.TemporaryDirectory() as copy:  # building leaves files behind
        shutil.copytree(ROOT / "rnn_lib", Path(copy, "rnn_lib"), ignore=CACHES)
        for name in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(ROOT / name, copy)
        run("pip", "wheel", "-q", "--no-deps", "-w", folder, copy)
    run("pip", "download", "-q", "--no-deps", "--only-binary=:all:", "-d", folder,
        *(f"{name}=={version(name)}" for name in KERNEL_WHEELS))
    (wheel,) = folder.glob("rnn_lib-*.whl")
    return wheel.name


def write_notebook(path, notebook):
    """Write a notebook's file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(nbformat.writes(notebook), encoding="utf-8", newline="\n")


def build_lite(folder, work, places, wheels):
    """Build the JupyterLab that needs no server, with the notebooks and its own index of wheels."""
    contents = work / "contents"
    for path in notebooks():
        write_notebook(contents / path, for_lite(nbformat.read(ROOT / path, as_version=4), path, places))
    shutil.copytree(ROOT / "images", contents / "images", ignore=CACHES)
    for picture in (contents / "images").glob("*.svg"):  # JupyterLite 0.8 shows none with letters past Latin-1
        picture.write_bytes(picture.read_text(encoding="utf-8").encode("ascii", "xmlcharrefreplace"))
    settings = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}
    (work / "overrides.json").write_text(json.dumps(settings))
    kernel = {"disablePyPIFallback": True}  # no package of this name, by somebody else, is ever asked for
    (work / "jupyter-lite.json").write_text(json.dumps({"jupyter-lite-schema-version": 0, "jupyter-config-data": {
        "appName": "RNNs from scratch",
        "litePluginSettings": {"@jupyterlite/pyodide-kernel-extension:kernel": kernel},
    }}))
    config = {
        "LiteBuildConfig": {"contents": [str(contents)], "apps": ["lab"], "no_sourcemaps": True,
                            "no_unused_shared_packages": True, "settings_overrides": [str(work / "overrides.json")],
                            "output_dir": str(folder), "lite_dir": str(work)},
        "PipliteAddon": {"piplite_urls": [str(wheel) for wheel in sorted(wheels.glob("*.whl"))]},
    }
    (work / "jupyter_lite_config.json").write_text(json.dumps(config))
    run("jupyterlite_core.app", "build", cwd=work)


def build_pages(folder, places):
    """Write the pages that need no kernel."""
    shutil.copytree(ROOT / "images", folder / "images", ignore=CACHES)
    site = Site(folder, places)
    site.write_style((HERE / "style.css").read_text(encoding="utf-8"))
    site.write_notebooks(notebooks())
    site.write_first_page(notebooks())
    site.write_files()


def build_colab(folder, places, wheel):
    """Write the notebooks that Colab opens."""
    for path in notebooks():
        write_notebook(folder / path, for_colab(nbformat.read(ROOT / path, as_version=4), path, places, wheel))
    (folder / "README.md").write_text(
        f"The notebooks of [this course]({places.url}) as Colab opens them. They are made from the branch "
        f"`{places.branch}` and replaced whenever it changes: do not edit them here.\n", encoding="utf-8")


def main(arguments=None):
    """Build the site from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="the site, made anew")
    parser.add_argument("--colab", type=Path, help="a folder for the copies for Colab, made anew")
    parser.add_argument("--repository", metavar="OWNER/NAME", help="on GitHub (default: what git says, or none)")
    parser.add_argument("--branch", help="default: the current one")
    parser.add_argument("--url", help="the site's address (default: that of GitHub Pages)")
    options = parser.parse_args(arguments)
    try:
        places = find_places(options.repository, options.branch, options.url)
    except ValueError as error:
        parser.error(str(error))
    if options.colab and not places.repository:
        parser.error("--colab: the copies need a repository on GitHub: --repository OWNER/NAME")
    for folder in filter(None, (options.folder, options.colab)):
        try:
            make_anew(folder)
        except FileExistsError as error:
            parser.error(str(error))
    wheels = options.folder.resolve() / "wheels"
    wheels.mkdir()
    wheel = make_wheels(wheels)
    with tempfile.TemporaryDirectory() as work:
        build_lite(options.folder.resolve() / "lite", Path(work), places, wheels)
    for other in wheels.glob("*.whl"):
        if other.name != wheel:
            other.unlink()
    build_pages(options.folder, places)
    if options.colab:
        build_colab(options.colab, places, wheel)


if __name__ == "__main__":
    main()
