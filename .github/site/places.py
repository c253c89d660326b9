"""Where the course lies: the repository that builds the site, and what its pages and copies therefore link to."""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).resolve().parents[2]
COLAB_BRANCH = "colab"  # Colab opens nothing but notebooks on GitHub: the workflow puts their copies on this branch
START = "notebooks/00_start_here.ipynb"


@dataclass(frozen=True)
class Places:
    """The addresses of one fork of the course.

    repository  "owner/name" on GitHub, or "" for a site that is only built to be looked at
    branch      the branch that it is built from
    url         the address at which the site will be, ending in "/"
    """

    repository: str
    branch: str
    url: str

    def source(self, path):
        """Where a file of the repository can be read."""
        return f"https://github.com/{self.repository}/blob/{self.branch}/{quote(path)}"

    def colab(self, path):
        """Where Colab opens a notebook."""
        return f"https://colab.research.google.com/github/{self.repository}/blob/{COLAB_BRANCH}/{quote(path)}"

    def binder(self, path):
        """Where Binder opens a notebook."""
        branch, opened = quote(self.branch, safe=""), quote(f"lab/tree/{path}", safe="")
        return f"https://mybinder.org/v2/gh/{self.repository}/{branch}?urlpath={opened}"


def find_places(repository=None, branch=None, url=None):
    """Return the `Places` that are given; the rest as GitHub's workflow or, outside of it, git says."""
    repository = os.environ.get("GITHUB_REPOSITORY") if repository is None else repository
    if repository is None:
        match = re.search(r"github\.com[:/]([\w.-]+/[\w.-]+?)(\.git)?$", git("remote", "get-url", "origin"))
        repository = match[1] if match else ""
    if repository and not re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
        raise ValueError(f"repository: expected owner/name, got {repository!r}")
    branch = branch or os.environ.get("GITHUB_REF_NAME") or git("branch", "--show-current") or "main"
    if not url:
        owner, _, name = repository.partition("/")
        own_page = name.lower() == f"{owner.lower()}.github.io"
        url = f"https://{owner.lower()}.github.io/{'' if own_page else name}" if repository else "http://localhost:8000"
    return Places(repository, branch, url.rstrip("/") + "/")


def git(*command):
    """What git says in this clone; "" if it says nothing, or is not there."""
    try:
        answer = subprocess.run(["git", *command], cwd=ROOT, capture_output=True, text=True)
    except OSError:
        return ""
    return answer.stdout.strip() if answer.returncode == 0 else ""
