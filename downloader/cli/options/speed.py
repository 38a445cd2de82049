"""The options under "Speed": concurrency, delays and rate limits."""

from downloader.cli.options.help_groups import option
from downloader.cli.options.parameter_types import (
    CountOrAutoParam,
    NumberParam,
    SecondsParam,
    SizeParam,
)
from downloader.models import Options

_DEFAULTS = Options()

#: Those that a check of links has, too.
SHARED_OPTIONS = (
    option(
        "Speed",
        "-j",
        "--concurrency",
        metavar="N|auto",
        type=CountOrAutoParam(),
        default="auto",
        help="Maximum concurrent requests [auto: adaptive].",
    ),
    option(
        "Speed",
        "--per-host",
        type=NumberParam(1),
        help="Maximum concurrent requests per host [6; HTTP/2: adaptive].",
    ),
    option(
        "Speed",
        "--delay",
        type=SecondsParam(least=0.0),
        default=_DEFAULTS.delay,
        help="Wait between requests to the same host [0s].",
    ),
    option(
        "Speed",
        "--random-wait",
        is_flag=True,
        help="Vary --delay randomly, from half of it to one and a half.",
    ),
    option(
        "Speed",
        "--limit-rate",
        metavar="RATE",
        type=SizeParam(),
        help="Maximum bytes per second, in total [no limit].",
    ),
)
_PROCESSES = option(
    "Speed",
    "--processes",
    metavar="N|auto",
    type=CountOrAutoParam(),
    default="auto",
    help="Number of processes [auto: adaptive, up to one per core].",
)

OPTIONS = (*SHARED_OPTIONS, _PROCESSES)
