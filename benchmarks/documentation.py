"""Real pages: documentation from Debian's packages, unpacked without installing them."""

import subprocess
from pathlib import Path

#: Debian packages, and the folder of their pages below ``usr/share/doc``.
DOCUMENTATION = {
    "git-doc": "git-doc",
    "debian-handbook": "debian-handbook/html",
    "python3.11-doc": "python3.11/html",
    "python-django-doc": "python-django-doc/html",
    "sphinx-doc": "sphinx-doc/html",
    "postgresql-doc-15": "postgresql-doc-15/html",
    "rust-doc": "rust-doc/html",
}


class DocumentationError(Exception):
    """A package cannot be fetched."""


def documentation(package: str, docs: Path) -> Path:
    """Return the folder of a package's pages below *docs*; fetch the package if it is missing."""
    root = docs / "usr/share/doc" / DOCUMENTATION[package]
    if not root.is_dir():
        fetch(package, docs)
    return root


def fetch(package: str, docs: Path) -> None:
    """Download a package and unpack it, without installing it."""
    docs.mkdir(parents=True, exist_ok=True)
    try:
        run("apt-get", "download", "-q", package, folder=docs)
        for archive in docs.glob(f"{package}_*.deb"):
            run("dpkg", "-x", archive.name, ".", folder=docs)
            archive.unlink()
    except (OSError, subprocess.CalledProcessError) as error:
        message = getattr(error, "stderr", None) or str(error)
        raise DocumentationError(
            f"cannot fetch {package}: {message.strip()}; try --docs FOLDER"
        ) from error


def run(*command: str, folder: Path) -> None:
    """Run a command in a folder."""
    subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
