"""Options of how bodies are fetched and saved."""

from pathlib import Path

import click

from downloader.cli.options.help_groups import option
from downloader.cli.options.parameter_types import (
    CountOrAutoParam,
    HeaderParam,
    HeaderTextParam,
    OutputParam,
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
        default=_DEFAULTS.output,
        help=f"Save under this folder, or in this object store (s3://…) [{_DEFAULTS.output}].",
    ),
    option("Output", "--no-save", is_flag=True, help="Measure only: fetch, and save nothing."),
    option("Output", "--force", is_flag=True, help="Fetch again what is done already."),
    option(
        "Output",
        "--refresh",
        is_flag=True,
        help="Ask the server whether what is done has changed, and fetch only that.",
    ),
    option(
        "Output", "--verify", is_flag=True, help="Hash what is done again to see if it is whole."
    ),
    option(
        "Output",
        "--no-use-server-timestamps",
        is_flag=True,
        help="Do not give files the time of Last-Modified.",
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
        help="Fetch this many URLs at once [auto: find out what is best].",
    ),
    option(
        "Speed",
        "--per-host",
        metavar="N",
        type=click.IntRange(min=1),
        default=_DEFAULTS.per_host,
        help=f"Fetch no more of one host at once [{_DEFAULTS.per_host}].",
    ),
    option(
        "Speed",
        "--delay",
        type=SecondsParam(least=0.0),
        default=_DEFAULTS.delay,
        help="Wait between two requests to one host [none].",
    ),
    option(
        "Speed",
        "--limit-rate",
        metavar="RATE",
        type=SizeParam(),
        help="Receive no more bytes a second in all [none].",
    ),
    option(
        "Speed",
        "--processes",
        metavar="N|auto",
        type=ProcessesParam(),
        default=_DEFAULTS.processes,
        help="Share the hosts out among so many processes [1; auto: one for each core].",
    ),
)

ROBUSTNESS = (
    option(
        "Robustness",
        "--connect-timeout",
        type=SecondsParam(),
        default=_DEFAULTS.connect_timeout,
        help=f"For name resolution, connection and TLS [{_DEFAULTS.connect_timeout:g}s].",
    ),
    option(
        "Robustness",
        "--read-timeout",
        type=SecondsParam(),
        default=_DEFAULTS.read_timeout,
        help=f"Give up a transfer that stalls this long [{_DEFAULTS.read_timeout:g}s].",
    ),
    option(
        "Robustness",
        "--retries",
        metavar="N",
        type=click.IntRange(min=0),
        default=_DEFAULTS.retries,
        help=f"Try again what may pass, this often [{_DEFAULTS.retries}].",
    ),
    option(
        "Robustness",
        "--min-speed",
        metavar="RATE",
        type=SizeParam(),
        help="Give up a transfer that is slower over five seconds [none].",
    ),
    option(
        "Robustness", "--max-size", type=SizeParam(), help="Refuse a larger body, decoded [none]."
    ),
    option("Robustness", "--timeout", type=SecondsParam(), help="For a whole URL [none]."),
    option(
        "Robustness",
        "--max-redirects",
        metavar="N",
        type=click.IntRange(min=0),
        default=_DEFAULTS.max_redirects,
        help=f"Follow this many redirects of one URL [{_DEFAULTS.max_redirects}].",
    ),
)

REQUEST = (
    option(
        "Request",
        "-H",
        "--header",
        type=HeaderParam(),
        multiple=True,
        help="Send this header too; not to other origins. Repeatable.",
    ),
    option(
        "Request",
        "-U",
        "--user-agent",
        type=HeaderTextParam(),
        default=_DEFAULTS.user_agent,
        help=f"Send this User-Agent [{USER_AGENT.partition(' ')[0]} …].",
    ),
    option(
        "Request",
        "--cookies",
        metavar="FILE",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="Send the cookies of this file (Netscape's format).",
    ),
    option("Request", "--netrc", is_flag=True, help="Take passwords from ~/.netrc or $NETRC."),
    option(
        "Request",
        "--cacert",
        metavar="FILE",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="Trust the certificate authorities in this PEM file.",
    ),
    option("Request", "--insecure", is_flag=True, help="Accept any TLS certificate."),
)

SAFETY = (
    option(
        "Safety",
        "--block-private",
        is_flag=True,
        help="Refuse loopback, private and link-local addresses, at every hop.",
    ),
)
