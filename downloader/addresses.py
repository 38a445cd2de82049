"""Pure: which network addresses belong to the public internet."""

import ipaddress

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052
_COMPATIBLE = ipaddress.IPv6Network("::/96")  # RFC 4291, section 2.5.5.1


def is_public(text: str) -> bool:
    """Return whether *text*, an IP address, is one that anybody may be asked to fetch from.

    Not public are loopback, private, link-local, shared, reserved and multicast addresses, and
    the IPv6 forms that lead to such an IPv4 address: mapped, compatible, NAT64, 6to4 and Teredo.
    """
    try:
        address: _Address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    inner = _embedded(address) if isinstance(address, ipaddress.IPv6Address) else None
    return _is_public(address if inner is None else inner)


def _embedded(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if address in _NAT64 or (address in _COMPATIBLE and int(address) > 1):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def _is_public(address: _Address) -> bool:
    return address.is_global and not address.is_multicast
