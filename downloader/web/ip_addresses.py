"""IP addresses: which belong to the public internet, as the check against SSRF needs to know."""

import ipaddress

_IPv4 = ipaddress.IPv4Address
_IPv6 = ipaddress.IPv6Address

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052
_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")  # RFC 4291, section 2.5.5.2
_TRANSLATED = ipaddress.IPv6Network("::ffff:0:0:0/96")  # RFC 2765, section 2.1
_COMPATIBLE = ipaddress.IPv6Network("::/96")  # RFC 4291, section 2.5.5.1
#: Global unicast: all that IANA allocates (RFC 4291, section 2.4).
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
#: Special-purpose networks that some versions of :mod:`ipaddress` call global.
_SPECIAL_IPV4 = (
    ipaddress.IPv4Network("192.0.0.0/24"),  # RFC 6890: protocol assignments
    ipaddress.IPv4Network("192.88.99.0/24"),  # RFC 7526: 6to4 relays, deprecated
)
_SPECIAL_IPV6 = (ipaddress.IPv6Network("3fff::/20"),)  # RFC 9637: documentation


def is_public(text: str) -> bool:
    """Return whether *text* is an IP address of the public internet.

    Loopback, private, link-local, shared, reserved and multicast addresses are not public, nor are
    IPv6 addresses that embed such an IPv4 address: mapped, translated, compatible, NAT64, 6to4 and
    Teredo.
    """
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, _IPv4):
        return _is_public_ipv4(address)
    embedded = _embedded_ipv4(address)
    return all(map(_is_public_ipv4, embedded)) if embedded else _is_public_ipv6(address)


def is_ip_address(text: str) -> bool:
    """Return whether *text* is an IP address, without brackets."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_loopback(text: str) -> bool:
    """Return whether *text* is an IP address of this machine's loopback interface."""
    try:
        return ipaddress.ip_address(text).is_loopback
    except ValueError:
        return False


def is_link_local(text: str) -> bool:
    """Return whether *text* is an IP address of one network only, without brackets."""
    try:
        return ipaddress.ip_address(text).is_link_local
    except ValueError:
        return False


def _embedded_ipv4(address: _IPv6) -> tuple[_IPv4, ...]:
    """Return the IPv4 addresses to which a packet for *address* may be forwarded."""
    if address.sixtofour is not None:
        return (address.sixtofour,)
    if address.teredo is not None:
        return address.teredo
    if any(address in network for network in (_NAT64, _MAPPED, _TRANSLATED, _COMPATIBLE)):
        return (_IPv4(int(address) & 0xFFFFFFFF),)
    return ()


def _is_public_ipv4(address: _IPv4) -> bool:
    special = any(address in network for network in _SPECIAL_IPV4)
    return address.is_global and not address.is_multicast and not special


def _is_public_ipv6(address: _IPv6) -> bool:
    special = any(address in network for network in _SPECIAL_IPV6)
    return address in _GLOBAL_UNICAST and address.is_global and not special
