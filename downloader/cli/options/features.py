"""Options of mirrors, reports, archives, and of lists that several machines share."""

import click

from downloader.cli.options.common import BUDGET, COMPARE, CONFIG, DEBUG, LOCK, REPORT, SIZES
from downloader.cli.options.help_groups import option
from downloader.cli.options.parameter_types import (
    ArchiveFileParam,
    LevelParam,
    NumberParam,
    PathParam,
    ShardParam,
    SizeParam,
)
from downloader.models import DEFAULT_LEVEL, Options, Pack, WarcDigest
from downloader.models.shards import DEFAULT_CLUSTER_SHARDS

_DEFAULTS = Options()

MIRROR = (
    option(
        "Mirror",
        "-m",
        "--mirror",
        is_flag=True,
        help="Save what pages need and rewrite their links for reading offline.",
    ),
    option(
        "Mirror",
        "-r",
        "--recursive",
        is_flag=True,
        help="Follow links on the same host; implies -m.",
    ),
    option(
        "Mirror",
        "-l",
        "--level",
        metavar="N|inf",
        type=LevelParam(),
        help=f"Maximum link depth [{DEFAULT_LEVEL}]; implies -r.",
    ),
    option("Mirror", "--span-hosts", is_flag=True, help="Follow links to other hosts, too."),
    option(
        "Mirror",
        "--no-parent",
        is_flag=True,
        help="Follow no links above the starting folder.",
    ),
    option(
        "Mirror",
        "--accept",
        metavar="LIST",
        multiple=True,
        help="Accept only these extensions or patterns, e.g. pdf,*/api/*; repeatable.",
    ),
    option(
        "Mirror",
        "--reject",
        metavar="LIST",
        multiple=True,
        help="Skip these extensions or patterns; repeatable.",
    ),
    option("Mirror", "--no-robots", is_flag=True, help="Ignore robots.txt and nofollow."),
    option(
        "Mirror",
        "--max-urls",
        type=NumberParam(0),
        help="Maximum linked URLs to fetch [no limit].",
    ),
    option(
        "Mirror",
        "--single-file",
        is_flag=True,
        help="Save each page as one HTML file; implies -m.",
    ),
)

REPORT_AND_LOG = (
    REPORT,
    SIZES,
    COMPARE,
    BUDGET,
    LOCK,
    option(
        "Report",
        "--locked",
        metavar="FILE",
        type=PathParam(exists=True, dir_okay=False),
        help="Download a lock file's URLs; exit 1 on changes.",
    ),
    option("Report", "-q", "--quiet", is_flag=True, help="Print failures only."),
    option("Report", "-v", "--verbose", is_flag=True, help="Print details of each URL."),
    option("Report", "--no-progress", is_flag=True, help="Hide the progress bar."),
    DEBUG,
)

ARCHIVE = (
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

SCALE = (
    option(
        "Scale",
        "--shard",
        type=ShardParam(),
        help="Fetch only part K of N of the hosts.",
    ),
    option(
        "Scale",
        "--engine",
        type=click.Choice(["local", "dask"]),
        default="local",
        help="Run here or on a Dask cluster [local].",
    ),
    option(
        "Scale",
        "--scheduler",
        metavar="ADDRESS",
        help="Address of the Dask scheduler [start one here].",
    ),
    option(
        "Scale",
        "--shards",
        type=NumberParam(1, 100_000),
        default=DEFAULT_CLUSTER_SHARDS,
        help=f"Split the list into N parts for Dask [{DEFAULT_CLUSTER_SHARDS}].",
    ),
)

OTHER = (
    option("Other", "--demo", is_flag=True, help="Download a small built-in site, offline."),
    CONFIG,
)
