"""The names under which saved sites are served: a host on loopback for each.

Browsers resolve every name below ``localhost`` to this machine without asking a name server (RFC
6761, section 6.3). So each site has an origin of its own: the paths of its scripts begin at its
root, and it can read neither another site nor the home page. One port serves them all, however
many they are. Cookies belong to a host and not to a port, so ports would not separate them.
"""

import hashlib
import re
from dataclasses import dataclass

from downloader.web.ip_addresses import is_ip_address
from downloader.web.url_names import url_parts
from downloader.web.urls import Url

#: The domain that browsers resolve to loopback.
LOCALHOST = "localhost"
_LABELS = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_](?:[a-z0-9_-]{0,62}))*")
_MAX_LABEL_CHARACTERS = 200
_HASH_CHARACTERS = 10
#: A Host field (RFC 9110, section 7.2): a name or an address, and perhaps a port.
_HOST_FIELD = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::([0-9]{1,5}))?", re.ASCII)
_NO_HOST_LABEL = "files"


@dataclass(frozen=True, slots=True)
class RequestedHost:
    """What a Host field names.

    Attributes:
        label: of a site; empty for the home page.
        port: with its colon, or empty.
    """

    label: str
    port: str


@dataclass(frozen=True, slots=True)
class SiteNames:
    """The names of sites below one domain.

    Attributes:
        domain: the name whose subdomains all lead to this server.
    """

    domain: str = LOCALHOST

    def requested(self, field: str) -> RequestedHost | None:
        """Return what a Host field names; None for a name that is not ours.

        Such a name may have been made to resolve to this machine by a web page that wants to read
        what is served here (DNS rebinding). An IP address or ``localhost`` cannot be: they name the
        home page.
        """
        match = _HOST_FIELD.fullmatch(field.lower())
        if match is None:
            return None
        name, port = match[1], f":{match[2]}" if match[2] else ""
        if name in (self.domain, LOCALHOST) or is_ip_address(name.strip("[]")):
            return RequestedHost("", port)
        label = name.removesuffix(f".{self.domain}")
        return None if label == name else RequestedHost(label, port)

    def origin(self, label: str, port: str) -> str:
        """Return the origin of a site; that of the home page for an empty *label*."""
        return f"http://{label}{'.' if label else ''}{self.domain}{port}"


def label_of(host: str, *, is_taken: bool = False) -> str:
    """Return the name of a host's root, such as ``docs.python.org`` or ``127.0.0.1_8081``.

    It has a hash if it would be no valid name, or *is_taken* by another host.
    """
    if not host:
        return _NO_HOST_LABEL
    label = host.replace("[", "").replace("]", "").replace(":", "_")
    is_valid = _LABELS.fullmatch(label) and len(label) <= _MAX_LABEL_CHARACTERS
    if is_valid and not is_taken:
        return label
    return f"site-{hashlib.sha256(host.encode()).hexdigest()[:_HASH_CHARACTERS]}"


def host_folder(url: Url) -> str:
    """Return the folder that names of *url* begin with."""
    return url_parts(url).host
