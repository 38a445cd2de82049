"""The names of the pages that this program itself writes into a mirror.

They are claimed as those of URLs are, so that no URL gets one. Their owners have no row.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from downloader.journal.name_claims import NameClaims
from downloader.models import NamingOptions
from downloader.web.filenames import ExtensionRule, FileName, SafePath

#: Names that are tried; each one is taken only if a URL has it.
_MAX_TRIED = 100


class OwnPageKind(IntEnum):
    """A page of this program; the values are owners of claims, which no row of a URL has."""

    INDEX = 0
    MISSING = -1


_STEMS = {OwnPageKind.INDEX: "index", OwnPageKind.MISSING: "missing"}


@dataclass(frozen=True, slots=True)
class OwnPage:
    """The file of a page of this program.

    Attributes:
        path: its name.
        is_new: whether the name was not its own before, so that a file of that name is another's.
    """

    path: SafePath
    is_new: bool


def claim_own_page(
    db: sqlite3.Connection, names: NameClaims, kind: OwnPageKind, options: NamingOptions
) -> OwnPage:
    """Claim the name of a page of this program; the same one as in earlier runs."""
    known = db.execute("SELECT key FROM claims WHERE owner = ?", (kind,)).fetchall()
    tried = list(_names(_STEMS[kind], options))
    name = names.claim_first(tried, kind) or tried[-1]
    return OwnPage(SafePath(name.base), (f"={name.base}",) not in known)


def _names(stem: str, options: NamingOptions) -> Iterator[FileName]:
    """Yield names, best first. Without folders of hosts, a site's own page has the first."""
    if options.host_directories:
        yield FileName(f"{stem}.html", ExtensionRule.NEVER)
    for number in range(1, _MAX_TRIED):
        yield FileName(f"{stem}~{number}.html", ExtensionRule.NEVER)
