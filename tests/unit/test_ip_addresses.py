"""With ``--block-private`` nothing is asked of an address that is not on the public internet."""

import ipaddress
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from downloader.web.ip_addresses import is_public

FAST = settings(max_examples=200, deadline=None)

PUBLIC = [
    "8.8.8.8",
    "1.1.1.1",
    "100.63.255.255",
    "172.32.0.1",
    "192.0.1.1",
    "223.255.255.254",
    "2606:4700:4700::1111",
    "2001:4860:4860::8888",
    # Forms that lead to a public IPv4 address.
    "::ffff:8.8.8.8",
    "::8.8.8.8",
    "64:ff9b::8.8.8.8",
    "2002:808:808::1",
]

NOT_PUBLIC = {
    "loopback": ["127.0.0.1", "127.255.255.254", "::1"],
    "private": ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fc00::1", "fd00::2"],
    "cloud metadata": ["169.254.169.254", "fd00:ec2::254"],
    "link-local": ["169.254.1.1", "fe80::1", "fe80::1%eth0", "febf::1"],
    "site-local": ["fec0::1"],
    "shared": ["100.64.0.1", "100.127.255.255"],
    "unspecified": ["0.0.0.0", "0.1.2.3", "::"],
    "broadcast": ["255.255.255.255"],
    "multicast": ["224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1"],
    "reserved": ["240.0.0.1", "192.0.0.1", "192.0.0.170", "192.88.99.1", "5f00::1", "4000::1"],
    "documentation": ["192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"],
    "benchmarking": ["198.18.0.1", "198.19.255.255", "2001:2::1"],
    "discard": ["100::1"],
    "mapped": ["::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:7f00:1", "::ffff:224.0.0.1"],
    "compatible": ["::127.0.0.1", "::10.0.0.1"],
    "translated": ["::ffff:0:127.0.0.1", "::ffff:0:10.0.0.1"],
    "NAT64": ["64:ff9b::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::10.0.0.1", "64:ff9b:1::8.8.8.8"],
    "6to4": ["2002:7f00:1::", "2002:a00:1::1", "2002:a9fe:a9fe::1"],
    "Teredo": ["2001:0:4136:e378:8000:63bf:80ff:fffe", "2001:0:7f00:1:8000:63bf:f7f7:f7f7"],
    "no address": ["", "localhost", "127.1", "2130706433", "0x7f.1", "1.2.3.4.5", "::g", "%eth0"],
}

#: Ways in which IPv6 carries an IPv4 address, given as a number.
EMBEDDINGS: dict[str, Callable[[int], int]] = {
    "mapped": lambda v4: 0xFFFF << 32 | v4,
    "compatible": lambda v4: v4,
    "translated": lambda v4: 0xFFFF << 48 | v4,
    "NAT64": lambda v4: 0x64FF9B << 96 | v4,
    "6to4": lambda v4: 0x2002 << 112 | v4 << 80,
    "6to4 with an interface": lambda v4: 0x2002 << 112 | v4 << 80 | 0x1234,
    "Teredo": lambda v4: 0x20010000 << 96 | 0x41360101 << 64 | (v4 ^ 0xFFFFFFFF),
    "Teredo server": lambda v4: 0x20010000 << 96 | v4 << 64 | (0x08080808 ^ 0xFFFFFFFF),
}


@pytest.mark.parametrize("text", PUBLIC)
def test_a_public_address_may_be_asked(text: str) -> None:
    assert is_public(text)


@pytest.mark.parametrize(
    ("kind", "text"), [(kind, text) for kind, texts in NOT_PUBLIC.items() for text in texts]
)
def test_any_other_address_may_not(kind: str, text: str) -> None:
    assert not is_public(text), kind


def numbers_within(*networks: str) -> st.SearchStrategy[int]:
    return st.sampled_from(list(map(ipaddress.IPv4Network, networks))).flatmap(
        lambda network: st.integers(int(network[0]), int(network[-1]))
    )


@pytest.mark.parametrize("embed", EMBEDDINGS.values(), ids=EMBEDDINGS)
@given(
    number=numbers_within(
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "224.0.0.0/3",
    )
)
@FAST
def test_no_address_that_holds_a_private_one_is_public(
    number: int, embed: Callable[[int], int]
) -> None:
    assert not is_public(str(ipaddress.IPv4Address(number)))
    assert not is_public(str(ipaddress.IPv6Address(embed(number))))


@given(number=st.integers(0, 2**128 - 1))
@FAST
def test_outside_of_what_was_given_out_only_a_public_ipv4_address_is_public(number: int) -> None:
    address = ipaddress.IPv6Address(number)
    if number >> 125 != 1:
        inner = ipaddress.IPv4Address(number & 0xFFFFFFFF)
        assert is_public(str(inner)) or not is_public(str(address))


@given(st.text(max_size=40) | st.text("0123456789abcdef:.%x", max_size=40))
@FAST
def test_any_text_is_judged(text: str) -> None:
    assert is_public(text) in (True, False)


# With the real client
