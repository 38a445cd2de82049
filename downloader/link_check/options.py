"""The options of a link check that other runs do not have."""

import re
from dataclasses import dataclass

from downloader.errors import BadUrlError
from downloader.models import DEFAULT_CERT_DAYS
from downloader.web import urls
from downloader.web.text import parse_seconds

#: Seconds between two requests to one external host, unless a rule says otherwise.
EXTERNAL_DELAY_SECONDS = 0.1

_MAX_STATUS = 999
#: As lychee writes ranges, whose ``..=`` includes the end; here every range does.
_STATUS_RANGE = re.compile(r"([1-9][0-9]{2})(?:\s*(?:\.\.=?|-)\s*([1-9][0-9]{2}))?")


@dataclass(frozen=True, slots=True)
class StatusSet:
    """HTTP statuses, as ranges of which both ends belong to the set."""

    ranges: tuple[tuple[int, int], ...]

    def __contains__(self, status: int) -> bool:
        """Return whether *status* is in the set."""
        return any(first <= status <= last for first, last in self.ranges)


#: The statuses of links that work, unless the user names others.
SUCCESS = StatusSet(((200, 299),))


def parse_status_set(text: str) -> StatusSet:
    """Parse statuses such as ``200..299,403``.

    Raises:
        ValueError: a part of it is neither a status nor a range.
    """
    ranges = []
    for part in text.split(","):
        match = _STATUS_RANGE.fullmatch(part.strip())
        if match is None:
            raise ValueError(f"{part.strip()!r} is no HTTP status; write e.g. 200..299,403")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first:
            raise ValueError(f"the range {part.strip()} ends before it begins")
        ranges.append((first, last))
    return StatusSet(tuple(ranges))


@dataclass(frozen=True, slots=True)
class HostRule:
    """A rule for the links to one host.

    Attributes:
        host: its name in lower case; the rule holds for its subdomains, too.
        accept_status: the statuses of links that work; None for those of all hosts.
        delay: seconds between two requests; None for the usual delay.
        uses_get: never use HEAD.
        is_excluded: do not check links to it.
    """

    host: str
    accept_status: StatusSet | None = None
    delay: float | None = None
    uses_get: bool = False
    is_excluded: bool = False


def parse_host_rule(text: str) -> HostRule:
    """Parse a rule such as ``example.org: accept-status=200..299,403; delay=2s; get``.

    Raises:
        ValueError: it names no host, or an unknown setting.
    """
    name, colon, settings = text.partition(":")
    host = _host_name(name.strip()) if colon else ""
    if not host:
        raise ValueError(f"{text[:80]!r} is no rule; write HOST: SETTING; SETTING")
    accept_status, delay, uses_get, is_excluded = None, None, False, False
    for part in settings.split(";"):
        key, equals, value = (each.strip() for each in part.partition("="))
        match key.lower(), bool(equals):
            case "accept-status", True:
                accept_status = parse_status_set(value)
            case "delay", True:
                delay = parse_seconds(value)
            case "get", False:
                uses_get = True
            case "exclude", False:
                is_excluded = True
            case _:
                raise ValueError(
                    f"{part.strip()!r} is no setting of a host; write accept-status=LIST, "
                    "delay=SECONDS, get or exclude"
                )
    return HostRule(host, accept_status, delay, uses_get, is_excluded)


def _host_name(name: str) -> str:
    """Return a host as normalised URLs have it; empty if it is none."""
    try:
        url = urls.parse(f"http://{name.removeprefix('*.')}/")
    except BadUrlError:
        return ""
    return urls.hostname(url) if urls.split(url) == (urls.hostname(url), "/", "") else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkCheckOptions:
    """The options of a link check.

    Attributes:
        level: read the pages up to so many links from a source; 0 for no limit; None to read the
            sources alone.
        accept_status: the statuses of links that work.
        exclude: patterns; links in whose URL one of them is found are not checked.
        host_rules: rules for hosts; of several that fit, that of the longest name counts.
        cert_days: warn of certificates that expire within so many days; 0 never to warn.
        offline: check internal links and files only.
        include_fragments: also look up the fragments of external pages, which are fetched for that.
        max_age: seconds for which the answer to an external link is remembered between runs; 0
            neither to use nor to keep any.
    """

    level: int | None = None
    accept_status: StatusSet = SUCCESS
    exclude: tuple[re.Pattern[str], ...] = ()
    host_rules: tuple[HostRule, ...] = ()
    cert_days: int = DEFAULT_CERT_DAYS
    offline: bool = False
    include_fragments: bool = False
    max_age: float = 0.0

    def rule_for(self, host: str) -> HostRule | None:
        """Return the rule for a host name, if there is one."""
        fitting = [
            rule for rule in self.host_rules if host == rule.host or host.endswith(f".{rule.host}")
        ]
        return max(fitting, key=lambda rule: len(rule.host), default=None)
