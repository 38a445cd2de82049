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
    """A host has no address of the IP version that the options name."""


def resolver_of(options: NetworkOptions, system: AbstractResolver) -> AbstractResolver:
    """Return the resolver that *options* ask for; *system* if they ask for none.

    Raises:
        RunError: aiodns is not installed.
    """
    if not (options.resolve or options.dns_servers or options.ip_version):
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
        self._family = _family_of(options)
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
            found = [
                result
                for address in given
                if (result := _result(host, port, address))["family"] == self._family
                or not self._family
            ]
        else:
            found = await self._ask(host, port)
        if watch is not None:
            watch.dns_done = time.monotonic()
        if not found:
            raise WrongFamilyError("no address of this family")
        return found

    async def _ask(self, host: str, port: int) -> list[ResolveResult]:
        try:
            return await self._rest.resolve(host, port, self._family)
        except OSError as error:
            cause = error.__cause__
            code = cause.args[0] if cause is not None and cause.args else error.errno
            if code in _TEMPORARY_ARES_ERRORS or error.errno == socket.EAI_AGAIN:
                raise OSError(socket.EAI_AGAIN, "no answer of a name server") from error
            if self._family:
                raise WrongFamilyError(*error.args) from error
            raise

    async def close(self) -> None:
        """Cancel lookups."""
        await self._rest.close()


def _result(host: str, port: int, address: str) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return ResolveResult(
        hostname=host, host=address, port=port, family=family, proto=0, flags=_NUMERIC
    )


@dataclass(frozen=True, slots=True)
class SocketFactory:
    """Creates sockets of one IP version, or bound to one address or network interface.

    Attributes:
        family: the only one that is allowed; ``AF_UNSPEC`` for any.
        interface: the name of a network interface, or an address of this machine, or None.
    """

    family: socket.AddressFamily
    interface: str | None

    def __call__(self, info: AddrInfoType) -> socket.socket:
        """Return a socket to connect to an address.

        Raises:
            OSError: it cannot be bound, or the address has another family.
        """
        family, kind, protocol, _, address = info
        # aiohttp does not look at the addresses that URLs name.
        if self.family and (":" in str(address[0])) != (self.family == socket.AF_INET6):
            raise WrongFamilyError("an address of another family")
        made = socket.socket(family, kind, protocol)
        try:
            self._bind(made)
        except BaseException:
            made.close()
            raise
        return made

    def _bind(self, made: socket.socket) -> None:
        if self.interface is None:
            return
        if is_ip_address(self.interface):
            if (":" in self.interface) != (made.family == socket.AF_INET6):
                raise WrongFamilyError("an address of another family than that of the interface")
            made.bind((self.interface, 0))
        elif _BIND_TO_DEVICE is not None:
            made.setsockopt(socket.SOL_SOCKET, _BIND_TO_DEVICE, self.interface.encode())


def socket_factory_of(options: NetworkOptions) -> SocketFactory | None:
    """Return what creates sockets as *options* say, or None if they say nothing about them.

    Raises:
        RunError: this machine does not have the interface.
    """
    if options.interface is not None:
        try:
            check_interface(options.interface)
        except ValueError as error:
            raise RunError(str(error), hint="see --interface") from None
    if options.interface is None and not options.ip_version:
        return None
    return SocketFactory(_family_of(options), options.interface)


def _family_of(options: NetworkOptions) -> socket.AddressFamily:
    """Return the family of addresses to use; ``AF_UNSPEC`` for any."""
    return _FAMILIES[options.ip_version] if options.ip_version else socket.AF_UNSPEC


def check_interface(interface: str) -> None:
    """Check that this machine has a network interface, or an address.

    Raises:
        ValueError: it has not, or sockets cannot be bound to it.
    """
    is_address = is_ip_address(interface)
    if not is_address and _BIND_TO_DEVICE is None:
        raise ValueError("this system binds to addresses only, not to names of interfaces")
    family = socket.AF_INET6 if ":" in interface else socket.AF_INET
    try:
        if not is_address:
            socket.if_nametoindex(interface)
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            SocketFactory(socket.AF_UNSPEC, interface)._bind(probe)  # noqa: SLF001 - same module
    except OSError as error:
        # if_nametoindex() gives no reason.
        what = "address" if is_address else "network interface"
        reason = error.strerror or "there is none of this name"
        raise ValueError(f"cannot use the {what} {interface}: {reason}") from None
