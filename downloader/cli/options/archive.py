"""The options under "Archive": WARC and WACZ files."""

import click

from downloader.cli.options.help_groups import option
from downloader.cli.options.parameter_types import ArchiveFileParam, SizeParam
from downloader.models import Options, Pack, WarcDigest

_DEFAULTS = Options()

OPTIONS = (
    option(
        "Archive",
        "--warc",
        metavar="FILE",
        type=ArchiveFileParam(".warc.gz", ".warc"),
        help="Also write a WARC archive (.warc.gz or .warc).",
    ),
    option(
        "Archive",
        "--wacz",
        metavar="FILE",
        type=ArchiveFileParam(".wacz"),
        help="Also write a WACZ archive.",
    ),
    option(
        "Archive",
        "--pack",
        type=click.Choice([kind.value for kind in Pack]),
        help="Save bodies in WARC volumes, not as files.",
    ),
    option(
        "Archive",
        "--warc-max-size",
        type=SizeParam(),
        help="Start a new WARC file at this size [no limit; with --pack 1G].",
    ),
    option(
        "Archive",
        "--warc-digest",
        type=click.Choice([kind.value for kind in WarcDigest]),
        default=_DEFAULTS.warc_digest.value,
        help=f"Hash algorithm of WARC digests [{_DEFAULTS.warc_digest}].",
    ),
)
