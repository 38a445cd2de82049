"""Which addresses are connected to, and from which: the options in place of the system's choice."""

import socket
import time
from dataclasses import dataclass

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.connector import AddrInfoType

from downloader.errors import RunError
from downloader.http.timings import CURRENT
from downloader.models import NetworkOptions
from downloader.web.ip_addresses import is_ip_address

#: Errors of c-ares (``ares.h``) that a later lookup may not have: SERVFAIL, REFUSED, connection
#: refused, and timeout.
_TEMPORARY_ARES_ERRORS = frozenset({3, 6, 11, 12})
_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}
_NUMERIC = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
#: Of Linux.
_BIND_TO_DEVICE: int | None = getattr(socket, "SO_BINDTODEVICE", None)


class WrongFamilyError(OSError):
    """A host has no address of the IP version that the options allow.

    Attributes:
        allowed: that version, and the option that says so.
    """

    def __init__(self, allowed: "AllowedFamily") -> None:
        super().__init__(f"no {allowed.version} address")
        self.allowed = allowed


@dataclass(frozen=True, slots=True)
class AllowedFamily:
    """The only family of addresses that the options allow.

    Attributes:
        family: ``AF_INET`` or ``AF_INET6``.
        option: the option that allows no other, as it would be typed.
    """

    family: socket.AddressFamily
    option: str

    @property
    def version(self) -> str:
        """The IP version."""
        return "IPv6" if self.family == socket.AF_INET6 else "IPv4"

    def includes(self, address: str) -> bool:
        """Return whether *address* is of this family."""
        return (":" in address) == (self.family == socket.AF_INET6)


def resolver_of(options: NetworkOptions, system: AbstractResolver) -> AbstractResolver:
    """Return the resolver that *options* ask for; *system* if they ask for none.

    Raises:
        RunError: aiodns is not installed.
    """
    if not (options.resolve or options.dns_servers or allowed_family(options)):
        return system
    if not options.dns_servers:
        return ChosenResolver(options, system)
    try:
        return ChosenResolver(options, aiohttp.AsyncResolver(nameservers=options.dns_servers))
    except RuntimeError:
        raise RunError(
            "--dns-servers needs aiodns, which is not installed",
            hint="install it with: pip install 'download-sites[dns]'",
        ) from None


class ChosenResolver(AbstractResolver):
    """Takes the addresses that the options give; asks another resolver for the rest."""

    def __init__(self, options: NetworkOptions, rest: AbstractResolver) -> None:
        self._given = {(each.host, each.port): each.addresses for each in options.resolve}
        self._allowed = allowed_family(options)
        self._rest = rest

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_INET,
    ) -> list[ResolveResult]:
        """Return the addresses of *host*, of the IP version that the options name.

        Raises:
            OSError: it has none, or the lookup fails.
        """
        watch = CURRENT.get()
        if watch is not None:
            watch.dns_started = time.monotonic()
        given = self._given.get((host, port)) or self._given.get(("*", port))
        if given is not None:
            found = [_result(host, port, address) for address in given if self._allows(address)]
            if self._allowed is not None and not found:
                raise WrongFamilyError(self._allowed)
        else:
            found = await self._ask(host, port)
        if watch is not None:
            watch.dns_done = time.monotonic()
        return found

    def _allows(self, address: str) -> bool:
        return self._allowed is None or self._allowed.includes(address)

    async def _ask(self, host: str, port: int) -> list[ResolveResult]:
        """Return the addresses that the other resolver knows.

        Resolvers give different errors for a host without an address of one family and for one that
        does not exist, if they tell them apart at all. So another lookup finds out.
        """
        if self._allowed is None:
            return await self._lookup(host, port, socket.AF_UNSPEC)
        try:
            return await self._lookup(host, port, self._allowed.family)
        except OSError as error:
            if error.errno == socket.EAI_AGAIN:
                raise
            await self._lookup(host, port, socket.AF_UNSPEC)
            raise WrongFamilyError(self._allowed) from error

    async def _lookup(
        self, host: str, port: int, family: socket.AddressFamily
    ) -> list[ResolveResult]:
        try:
            return await self._rest.resolve(host, port, family)
        except OSError as error:
            cause = error.__cause__
            code = cause.args[0] if cause is not None and cause.args else error.errno
            if code in _TEMPORARY_ARES_ERRORS or error.errno == socket.EAI_AGAIN:
                raise OSError(socket.EAI_AGAIN, "no answer of a name server") from error
            raise

    async def close(self) -> None:
        """Cancel lookups."""
        await self._rest.close()


def _result(host: str, port: int, address: str) -> ResolveResult:
    return ResolveResult(
        hostname=host, host=address, port=port, family=_family_of(address), proto=0, flags=_NUMERIC
    )


@dataclass(frozen=True, slots=True)
class SocketFactory:
    """Creates sockets of one IP version, or bound to one address or network interface.

    Attributes:
        allowed: the only family that is allowed; None for any.
        interface: the name of a network interface, or an address of this machine, or None.
    """

    allowed: AllowedFamily | None
    interface: str | None

    def __call__(self, info: AddrInfoType) -> socket.socket:
        """Return a socket to connect to an address.

        Raises:
            OSError: it cannot be bound, or the address has another family.
        """
        family, kind, protocol, _, address = info
        # aiohttp does not look at the addresses that URLs name.
        if self.allowed is not None and not self.allowed.includes(str(address[0])):
            raise WrongFamilyError(self.allowed)
        made = socket.socket(family, kind, protocol)
        try:
            if self.interface is not None:
                _bind(made, self.interface)
        except BaseException:
            made.close()
            raise
        return made


def _bind(made: socket.socket, interface: str) -> None:
    """Bind a socket to an address, which has its family, or to a network interface."""
    if is_ip_address(interface):
        made.bind((interface, 0))
    elif _BIND_TO_DEVICE is not None:
        made.setsockopt(socket.SOL_SOCKET, _BIND_TO_DEVICE, interface.encode())


def socket_factory_of(options: NetworkOptions) -> SocketFactory | None:
    """Return what creates sockets as *options* say, or None if they say nothing about them.

    Raises:
        RunError: this machine does not have the interface, or it has an address of another IP
            version than the options allow.
    """
    interface, allowed = options.interface, allowed_family(options)
    if interface is not None:
        try:
            check_interface(interface)
        except ValueError as error:
            raise RunError(str(error), hint="see --interface") from None
        if allowed is not None and is_ip_address(interface) and not allowed.includes(interface):
            raise RunError(
                f"{interface} is no {allowed.version} address",
                hint=f"{allowed.option} and --interface exclude each other",
            )
    return SocketFactory(allowed, interface) if interface or allowed else None


def allowed_family(options: NetworkOptions) -> AllowedFamily | None:
    """Return the only family of addresses that *options* allow, or None for any."""
    if options.ip_version:
        return AllowedFamily(_FAMILIES[options.ip_version], f"--ipv{options.ip_version}")
    if options.interface is not None and is_ip_address(options.interface):
        return AllowedFamily(_family_of(options.interface), f"--interface {options.interface}")
    return None


def _family_of(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def check_interface(interface: str) -> None:
    """Check that this machine has a network interface, or an address.

    Raises:
        ValueError: it has not, or sockets cannot be bound to it.
    """
    is_address = is_ip_address(interface)
    if not is_address and _BIND_TO_DEVICE is None:
        raise ValueError("this system binds to addresses only, not to names of interfaces")
    try:
        if not is_address:
            socket.if_nametoindex(interface)
        with socket.socket(_family_of(interface), socket.SOCK_STREAM) as probe:
            _bind(probe, interface)
    except OSError as error:
        # if_nametoindex() gives no reason.
        what = "address" if is_address else "network interface"
        reason = error.strerror or "there is none of this name"
        raise ValueError(f"cannot use the {what} {interface}: {reason}") from None
