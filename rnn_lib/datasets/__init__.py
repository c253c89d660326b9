"""Data files that ship with the package; README.md names their sources and licences."""
