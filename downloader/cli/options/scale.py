"""The options under "Scale": several machines."""

import click

from downloader.cli.options.help_groups import option
from downloader.cli.options.parameter_types import NumberParam, ShardParam
from downloader.models.shards import DEFAULT_CLUSTER_SHARDS

OPTIONS = (
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
