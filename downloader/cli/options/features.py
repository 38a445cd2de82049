"""Options of what is made of bodies, and by whom: mirrors, reports, archives, shards."""

from pathlib import Path

import click

from downloader.cli.options.config import load_config
from downloader.cli.options.help_groups import option
from downloader.cli.options.parameter_types import (
    ArchiveFileParam,
    BudgetParam,
    LevelParam,
    ReportFileParam,
    ShardParam,
    SizeParam,
)
from downloader.cluster import ClusterPlan
from downloader.models import DEFAULT_LEVEL, Options, Pack, WarcDigest
from downloader.report.formats import endings

_DEFAULTS = Options()

MIRROR = (
    option(
        "Mirror",
        "-m",
        "--mirror",
        is_flag=True,
        help="Save what each page needs, too, and have links lead to what was saved.",
    ),
    option(
        "Mirror", "-r", "--recursive", is_flag=True, help="Follow the links of pages; implies -m."
    ),
    option(
        "Mirror",
        "-l",
        "--level",
        metavar="N|inf",
        type=LevelParam(),
        help=f"Follow links this many steps [{DEFAULT_LEVEL}]; implies -r.",
    ),
    option("Mirror", "--span-hosts", is_flag=True, help="Follow links to other hosts, too."),
    option(
        "Mirror",
        "--no-parent",
        is_flag=True,
        help="Follow no links out of the folder of the page that they start from.",
    ),
    option(
        "Mirror",
        "--accept",
        metavar="LIST",
        multiple=True,
        help="Keep only files with these endings, or that match these patterns (repeatable).",
    ),
    option(
        "Mirror",
        "--reject",
        metavar="LIST",
        multiple=True,
        help="Do not fetch files with these endings, or that match these patterns (repeatable).",
    ),
    option(
        "Mirror",
        "--no-robots",
        is_flag=True,
        help="Do not ask robots.txt, and do not heed nofollow.",
    ),
    option(
        "Mirror",
        "--max-urls",
        metavar="N",
        type=click.IntRange(min=0),
        help="Fetch no more than N addresses besides those of the list [no limit].",
    ),
    option(
        "Mirror",
        "--single-file",
        is_flag=True,
        help="Make each page one file with all it needs within; implies -m.",
    ),
    option(
        "Mirror",
        "--check",
        metavar="DIR",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="See that every local link in this mirrored folder leads to a file of it.",
    ),
)

REPORT = (
    option(
        "Report",
        "--report",
        type=ReportFileParam(),
        multiple=True,
        help=f"Write a report, in the format of FILE's ending: {endings()} (repeatable).",
    ),
    option("Report", "--sizes", is_flag=True, help="Print the largest, and sums by type and host."),
    option(
        "Report",
        "--compare",
        metavar="OLD.jsonl",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="Say what is new, gone or changed since an earlier report.",
    ),
    option(
        "Report",
        "--budget",
        type=BudgetParam(),
        help="Fail when more is found: html=100k (each), html.total=1M, total=2M.",
    ),
    option(
        "Report",
        "--lock",
        metavar="FILE",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Write the list with hash, size and final URL of each.",
    ),
    option(
        "Report",
        "--locked",
        metavar="FILE",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="Download what --lock has written, and fail when it differs.",
    ),
    option("Report", "-q", "--quiet", is_flag=True, help="Print nothing but failures."),
    option("Report", "-v", "--verbose", is_flag=True, help="Print details of each URL."),
    option("Report", "--no-progress", is_flag=True, help="Show no progress bar."),
    option("Report", "--debug", is_flag=True, help="asyncio's debug mode, debug log, tracebacks."),
)

ARCHIVE = (
    option(
        "Archive",
        "--warc",
        metavar="FILE",
        type=ArchiveFileParam(".warc.gz", ".warc"),
        help="Keep every exchange as it happened in FILE.warc.gz too.",
    ),
    option(
        "Archive",
        "--wacz",
        metavar="FILE",
        type=ArchiveFileParam(".wacz"),
        help="And packed in FILE.wacz.",
    ),
    option(
        "Archive",
        "--pack",
        type=click.Choice([kind.value for kind in Pack]),
        help="Put bodies into volumes of WARC in the folder, not in a file each.",
    ),
    option(
        "Archive",
        "--warc-max-size",
        type=SizeParam(),
        help="Begin a further WARC file when one is so large [none; with --pack 1G].",
    ),
    option(
        "Archive",
        "--warc-digest",
        type=click.Choice([kind.value for kind in WarcDigest]),
        default=_DEFAULTS.warc_digest.value,
        help=f"Make the digests in it with this [{_DEFAULTS.warc_digest}].",
    ),
)

SCALE = (
    option(
        "Scale",
        "--shard",
        type=ShardParam(),
        help="Fetch only the hosts of part K of N, as other runs have the others.",
    ),
    option(
        "Scale",
        "--engine",
        type=click.Choice(["local", "dask"]),
        default="local",
        help="Do it on this machine, or by the workers of a Dask cluster [local].",
    ),
    option(
        "Scale",
        "--scheduler",
        metavar="ADDRESS",
        help="Where the Dask scheduler is [one is started, with a worker on each core].",
    ),
    option(
        "Scale",
        "--shards",
        metavar="N",
        type=click.IntRange(min=1, max=100_000),
        default=ClusterPlan().shards,
        help=f"Cut the list into so many parts for the cluster [{ClusterPlan().shards}].",
    ),
    option(
        "Scale",
        "--merge",
        is_flag=True,
        help="Make one of the output folders, or of the reports, that are the SOURCEs.",
    ),
)

TRIAL = (
    option(
        "Try it",
        "--demo",
        is_flag=True,
        help="Download a small built-in site from this machine; needs no network.",
    ),
)

REST = (
    option(
        "Other",
        "--config",
        metavar="FILE",
        type=click.Path(path_type=Path),
        is_eager=True,
        callback=load_config,
        help="Take defaults from this TOML file [the platform's usual place].",
    ),
)
