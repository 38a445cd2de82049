"""Pure: which network addresses belong to the public internet."""

import ipaddress

_V4 = ipaddress.IPv4Address
_V6 = ipaddress.IPv6Address

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052
_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")  # RFC 4291, section 2.5.5.2
_TRANSLATED = ipaddress.IPv6Network("::ffff:0:0:0/96")  # RFC 2765, section 2.1
_COMPATIBLE = ipaddress.IPv6Network("::/96")  # RFC 4291, section 2.5.5.1
#: All that is given out to the internet's networks (RFC 4291, section 2.4, and IANA's registry).
_GIVEN_OUT = ipaddress.IPv6Network("2000::/3")
#: Special addresses that some versions of :mod:`ipaddress` take for global ones.
_SPECIAL_4 = (
    ipaddress.IPv4Network("192.0.0.0/24"),  # RFC 6890: protocol assignments
    ipaddress.IPv4Network("192.88.99.0/24"),  # RFC 7526: 6to4 relays, no more in use
)
_SPECIAL_6 = (ipaddress.IPv6Network("3fff::/20"),)  # RFC 9637: documentation


def is_public(text: str) -> bool:
    """Return whether *text*, an IP address, is one that anybody may be asked to fetch from.

    Not public are loopback, private, link-local, shared, reserved and multicast addresses, and
    the IPv6 forms that lead to such an IPv4 address: mapped, translated, compatible, NAT64, 6to4
    and Teredo.
    """
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, _V4):
        return _is_public_4(address)
    inner = _embedded(address)
    return all(map(_is_public_4, inner)) if inner else _is_public_6(address)


def _embedded(address: _V6) -> tuple[_V4, ...]:
    """Return the IPv4 addresses to which a packet for *address* may be carried on."""
    if address.sixtofour is not None:
        return (address.sixtofour,)
    if address.teredo is not None:
        return address.teredo
    if any(address in network for network in (_NAT64, _MAPPED, _TRANSLATED, _COMPATIBLE)):
        return (_V4(int(address) & 0xFFFFFFFF),)
    return ()


def _is_public_4(address: _V4) -> bool:
    special = any(address in network for network in _SPECIAL_4)
    return address.is_global and not address.is_multicast and not special


def _is_public_6(address: _V6) -> bool:
    special = any(address in network for network in _SPECIAL_6)
    return address in _GIVEN_OUT and address.is_global and not special
