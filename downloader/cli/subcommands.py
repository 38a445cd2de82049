"""The subcommands: their names, their modules, and the line that ``download --help`` shows."""

from typing import NamedTuple


class Subcommand(NamedTuple):
    """A subcommand, which is imported when it is used.

    Attributes:
        module: where it is defined, as ``command``.
        arguments: what follows its name, as help shows it.
        summary: what it does, in one line.
    """

    module: str
    arguments: str
    summary: str


#: A new subcommand is a module with a click command named ``command``, and a line here.
SUBCOMMANDS = {
    "check": Subcommand(
        "downloader.cli.check", "DIR", "Check the local links of a mirrored folder."
    ),
    "compare": Subcommand(
        "downloader.cli.compare", "OLD NEW", "Show what changed from one report to another."
    ),
    "links": Subcommand(
        "downloader.cli.links", "SOURCE...", "Check the links of pages, sites and folders."
    ),
    "merge": Subcommand(
        "downloader.cli.merge", "DIR|REPORT...", "Merge output folders, or reports, into one."
    ),
    "serve": Subcommand(
        "downloader.cli.serve", "DIR|ARCHIVE...|REPORT", "Look at what was saved in a browser."
    ),
}
