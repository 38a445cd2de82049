"""The options under "Robustness": retries, timeouts and limits of one URL."""

from downloader.cli.options.help_groups import option
from downloader.cli.options.parameter_types import NumberParam, SecondsParam, SizeParam
from downloader.models import Options

_DEFAULTS = Options()

OPTIONS = (
    option(
        "Robustness",
        "--retries",
        type=NumberParam(0),
        default=_DEFAULTS.retries,
        help=f"Retries after transient failures [{_DEFAULTS.retries}].",
    ),
    option(
        "Robustness",
        "--retry-all",
        is_flag=True,
        help="Retry also a POST that was sent, so that the server may get it twice.",
    ),
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
    option(
        "Robustness",
        "--max-size",
        type=SizeParam(),
        help="Maximum size of a decoded body [no limit].",
    ),
    option(
        "Robustness",
        "--max-redirects",
        type=NumberParam(0),
        default=_DEFAULTS.max_redirects,
        help=f"Maximum redirects per URL [{_DEFAULTS.max_redirects}].",
    ),
)
