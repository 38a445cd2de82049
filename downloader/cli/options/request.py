"""The options under "Request": what requests send, and which certificates they accept."""

import click

from downloader.cli.options.help_groups import option
from downloader.cli.options.parameter_types import PathParam, UrlParam
from downloader.cli.options.request_types import (
    BearerParam,
    BinaryDataParam,
    BrowserParam,
    CertificateParam,
    DataParam,
    DnsServersParam,
    HeaderParam,
    HeaderTextParam,
    InterfaceParam,
    MethodParam,
    ProxyParam,
    ResolveParam,
    UserParam,
)
from downloader.models import USER_AGENT, Options

_DEFAULTS = Options()

_BODY_OPTIONS = (
    option(
        "Request",
        "--method",
        type=MethodParam(),
        help="Use this method for the URLs of the list [GET, or POST with a body].",
    ),
    option(
        "Request",
        "--data",
        type=DataParam(),
        multiple=True,
        help="Send this body, as a form; of a file, without line ends. Repeatable, joined by &.",
    ),
    option(
        "Request",
        "--data-binary",
        type=BinaryDataParam(),
        help="Send this body, or this file unchanged.",
    ),
)
#: Those that a check of links has, too.
SHARED_OPTIONS = (
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
        "--referer",
        type=UrlParam(),
        help="Send this Referer for the URLs of the list.",
    ),
    option("Request", "--no-referer", is_flag=True, help="Mirrors: do not send the page's URL."),
    option(
        "Request",
        "--cookies",
        metavar="FILE",
        type=PathParam(dir_okay=False),
        help="Send cookies from this file (Netscape format).",
    ),
    option(
        "Request",
        "--cookies-from-browser",
        type=BrowserParam(),
        help="Send the cookies of Firefox, or of one of its profiles.",
    ),
    option(
        "Request",
        "--save-cookies",
        metavar="FILE",
        type=PathParam(dir_okay=False),
        help="Write all cookies to this file at the end (Netscape format).",
    ),
    option(
        "Request",
        "--no-cookies",
        is_flag=True,
        help="Do not send the cookies that servers set.",
    ),
    option(
        "Request",
        "-u",
        "--user",
        type=UserParam(),
        help="Log in with this name; without a password, ask for it on the terminal.",
    ),
    option(
        "Request",
        "--bearer",
        type=BearerParam(),
        help="Send this bearer token, or the one in a file.",
    ),
    option(
        "Request",
        "--digest",
        is_flag=True,
        help="Send passwords only as digests, to servers that ask for one.",
    ),
    option(
        "Request",
        "-x",
        "--proxy",
        type=ProxyParam(),
        help="Make requests through this proxy (http, https, socks5, socks5h).",
    ),
    option(
        "Request",
        "--proxy-user",
        type=UserParam(),
        help="Log in to the proxy; without a password, ask for it on the terminal.",
    ),
    option(
        "Request",
        "--noproxy",
        metavar="LIST",
        help="Request these hosts and networks without a proxy; * for all.",
    ),
    option("Request", "--netrc", is_flag=True, help="Read user names and passwords from ~/.netrc."),
    option(
        "Request",
        "--cacert",
        metavar="FILE",
        type=PathParam(exists=True, dir_okay=False),
        help="Trust the authorities in this PEM file.",
    ),
    option(
        "Request",
        "-E",
        "--cert",
        type=CertificateParam(),
        help="Send this client certificate (PEM); ask for the password of an encrypted key.",
    ),
    option(
        "Request",
        "--key",
        metavar="FILE",
        type=PathParam(exists=True, dir_okay=False),
        help="Private key of the client certificate [in its file].",
    ),
    option("Request", "--insecure", is_flag=True, help="Accept invalid TLS certificates."),
    option(
        "Request",
        "--compressed/--no-compressed",
        default=_DEFAULTS.compressed,
        help="Ask for compressed bodies, or for uncompressed ones [compressed].",
    ),
    option(
        "Request",
        "--tls-min",
        metavar="VERSION",
        type=click.Choice(["1.0", "1.1", "1.2", "1.3"]),
        help="Minimum version of TLS [1.2].",
    ),
    option(
        "Request",
        "--ciphers",
        metavar="LIST",
        help="Ciphers of TLS 1.2 and older, as OpenSSL writes them.",
    ),
    option(
        "Request",
        "--resolve",
        type=ResolveParam(),
        multiple=True,
        help="Connect to this address for a host and port; repeatable.",
    ),
    option("Request", "-4", "--ipv4", is_flag=True, help="Use IPv4 addresses only."),
    option("Request", "-6", "--ipv6", is_flag=True, help="Use IPv6 addresses only."),
    option(
        "Request",
        "--interface",
        type=InterfaceParam(),
        help="Connect from this network interface or address.",
    ),
    option(
        "Request",
        "--dns-servers",
        type=DnsServersParam(),
        default=(),
        help="Ask these name servers, e.g. 9.9.9.9,[2620:fe::fe]:53.",
    ),
    option("Request", "--http1.1", "http1_only", is_flag=True, help="Do not use HTTP/2."),
    option(
        "Request",
        "--http2-prior-knowledge",
        is_flag=True,
        help="Use HTTP/2 for http:// as well, without negotiation.",
    ),
)
OPTIONS = (*_BODY_OPTIONS, *SHARED_OPTIONS)
