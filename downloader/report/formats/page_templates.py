"""Templates of pages, and the styles and scripts that are a part of them."""

import base64
import hashlib
from dataclasses import dataclass
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from downloader.web.text import format_size, printable


@dataclass(frozen=True, slots=True)
class Asset:
    """A style sheet or script in a page, and its hash for the page's content security policy."""

    text: Markup
    hash: str


def page_environment(package: str) -> Environment:
    """Return the templates in the folder ``page`` of *package*, with the filters of all pages."""
    environment = Environment(
        loader=PackageLoader(package, "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "size": format_size,
        "number": lambda number: f"{number:,}",
        "safe_text": printable,
        "plural": lambda count, noun: f"{count:,} {noun}{'' if count == 1 else 's'}",
    }
    return environment


def asset(*files: tuple[str, str]) -> Asset:
    """Return the text of *files*, each the name of a package and of a file in its ``page``."""
    text = "".join(
        (resources.files(package) / "page" / name).read_text("utf-8") for package, name in files
    )
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    # The text is part of this package, and the policy names its hash.
    return Asset(Markup(text), f"sha256-{digest}")  # noqa: S704
