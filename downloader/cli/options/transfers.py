"""Options of how URLs are requested and how bodies are saved."""

from downloader.cli.options.common import OUTPUT_FOLDER
from downloader.cli.options.help_groups import option
from downloader.cli.options.parameter_types import (
    CountOrAutoParam,
    HeaderParam,
    HeaderTextParam,
    NumberParam,
    OutputParam,
    PathParam,
    ProcessesParam,
    SecondsParam,
    SizeParam,
)
from downloader.models import USER_AGENT, Options

_DEFAULTS = Options()

OUTPUT = (
    option(
        "Output",
        "-o",
        "--output",
        metavar="DIR|URL",
        type=OutputParam(),
        default=OUTPUT_FOLDER,
        help=f"Save files in this folder or object store (s3://...) [{OUTPUT_FOLDER}].",
    ),
    option("Output", "--no-save", is_flag=True, help="Measure sizes only; save nothing."),
    option("Output", "--force", is_flag=True, help="Fetch saved files again."),
    option(
        "Output",
        "--refresh",
        is_flag=True,
        help="Revalidate saved files and fetch only what changed.",
    ),
    option(
        "Output",
        "--verify",
        is_flag=True,
        help="Hash saved files; fetch damaged ones again.",
    ),
    option(
        "Output",
        "--no-use-server-timestamps",
        is_flag=True,
        help="Do not set file times to Last-Modified.",
    ),
)

SPEED = (
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
        default=_DEFAULTS.per_host,
        help=f"Maximum concurrent requests per host [{_DEFAULTS.per_host}].",
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
        "--limit-rate",
        metavar="RATE",
        type=SizeParam(),
        help="Maximum bytes per second, in total [no limit].",
    ),
    option(
        "Speed",
        "--processes",
        metavar="N|auto",
        type=ProcessesParam(),
        default=_DEFAULTS.processes,
        help=f"Number of processes; auto: one per core [{_DEFAULTS.processes}].",
    ),
)

ROBUSTNESS = (
    option(
        "Robustness",
        "--retries",
        type=NumberParam(0),
        default=_DEFAULTS.retries,
        help=f"Retries after transient failures [{_DEFAULTS.retries}].",
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

REQUEST = (
    option(
        "Request",
        "-H",
        "--header",
        type=HeaderParam(),
        multiple=True,
        help="Send this header; repeatable. Redirects to other origins do not get it.",
    ),
    option(
        "Request",
        "-U",
        "--user-agent",
        type=HeaderTextParam(),
        default=_DEFAULTS.user_agent,
        help=f"Send this User-Agent [{USER_AGENT.partition('/')[0]}/VERSION ...].",
    ),
    option(
        "Request",
        "--cookies",
        metavar="FILE",
        type=PathParam(exists=True, dir_okay=False),
        help="Send cookies from this file (Netscape format).",
    ),
    option("Request", "--netrc", is_flag=True, help="Read user names and passwords from ~/.netrc."),
    option(
        "Request",
        "--cacert",
        metavar="FILE",
        type=PathParam(exists=True, dir_okay=False),
        help="Trust the authorities in this PEM file.",
    ),
    option("Request", "--insecure", is_flag=True, help="Accept invalid TLS certificates."),
)

SAFETY = (
    option(
        "Safety",
        "--block-private",
        is_flag=True,
        help="Refuse to connect to private, loopback and link-local addresses.",
    ),
)
