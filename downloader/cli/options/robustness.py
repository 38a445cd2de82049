"""The options under "Robustness": retries, timeouts and limits of one URL."""

from downloader.cli.options.help_groups import option
from downloader.cli.options.parameter_types import NumberParam, SecondsParam, SizeParam
from downloader.models import Options

_DEFAULTS = Options()

_RETRIES = option(
    "Robustness",
    "--retries",
    type=NumberParam(0),
    default=_DEFAULTS.retries,
    help=f"Retries after transient failures [{_DEFAULTS.retries}].",
)
_RETRY_ALL = option(
    "Robustness",
    "--retry-all",
    is_flag=True,
    help="Retry also a POST that was sent, so that the server may get it twice.",
)
_TIMEOUTS = (
    option(
        "Robustness",
        "--connect-timeout",
        type=SecondsParam(),
        default=_DEFAULTS.connect_timeout,
        help=f"Maximum time to connect, TLS included [{_DEFAULTS.connect_timeout:g}s].",
    ),
    option(
        "Robustness",
        "--read-timeout",
        type=SecondsParam(),
        default=_DEFAULTS.read_timeout,
        help=f"Maximum time without receiving a byte [{_DEFAULTS.read_timeout:g}s].",
    ),
    option(
        "Robustness",
        "--timeout",
        type=SecondsParam(),
        help="Maximum time per URL, with retries [no limit].",
    ),
    option(
        "Robustness",
        "--min-speed",
        metavar="RATE",
        type=SizeParam(),
        help="Abort transfers slower than this for 5s [10 B/s for 300s; 0 for no limit].",
    ),
)
_MAX_SIZE = option(
    "Robustness",
    "--max-size",
    type=SizeParam(),
    help="Maximum size of a decoded body [no limit].",
)
_MAX_REDIRECTS = option(
    "Robustness",
    "--max-redirects",
    type=NumberParam(0),
    default=_DEFAULTS.max_redirects,
    help=f"Maximum redirects per URL [{_DEFAULTS.max_redirects}].",
)

OPTIONS = (_RETRIES, _RETRY_ALL, *_TIMEOUTS, _MAX_SIZE, _MAX_REDIRECTS)
#: Those that a check of links has, too.
SHARED_OPTIONS = (_RETRIES, *_TIMEOUTS, _MAX_REDIRECTS)
