"""The proxies of a run, from the options and the variables that curl reads as well."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TypedDict

from downloader.errors import RunError
from downloader.web.proxies import no_proxy_of, parse_proxy, proxy_variable


class ProxyFields(TypedDict):
    """The fields of Options that concern proxies."""

    http_proxy: str | None
    https_proxy: str | None
    no_proxy: str


def proxy_fields(
    proxy: str | None,
    user: tuple[str, str] | None,
    no_proxy: str | None,
    environment: Mapping[str, str],
) -> ProxyFields:
    """Return the fields of Options.

    Args:
        proxy: of ``--proxy``, instead of those of the environment; empty for none.
        user: name and password for all of them.
        no_proxy: of ``--noproxy``, instead of that of the environment.
        environment: the variables.

    Raises:
        RunError: a variable holds no URL of a proxy.
    """
    return ProxyFields(
        http_proxy=_proxy("http", proxy, user, environment),
        https_proxy=_proxy("https", proxy, user, environment),
        no_proxy=no_proxy_of(environment) if no_proxy is None else no_proxy,
    )


def _proxy(
    scheme: str, proxy: str | None, user: tuple[str, str] | None, environment: Mapping[str, str]
) -> str | None:
    name = proxy_variable(scheme, environment) if proxy is None else None
    url = environment[name] if name else proxy
    if not url:
        return None
    try:
        parsed = parse_proxy(url)
        if user is not None:
            encoded = (
                user[0].encode(errors="surrogateescape"),
                user[1].encode(errors="surrogateescape"),
            )
            parsed = parse_proxy(replace(parsed, credentials=encoded).url)
    except ValueError as error:
        raise RunError(f"{name or '--proxy'}: {error}", hint="see --proxy") from None
    return parsed.url
