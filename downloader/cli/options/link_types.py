"""Types of the values of options that only the check of links has."""

import re
from typing import TYPE_CHECKING, Any

import click

from downloader.web.text import printable

if TYPE_CHECKING:
    from downloader.link_check import HostRule, StatusSet


class StatusSetParam(click.ParamType["StatusSet"]):
    """HTTP statuses, as numbers and ranges."""

    name = "LIST"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> "StatusSet":
        """Return the set."""
        # Imported here, so that --help does not wait for it.
        from downloader.link_check.options import StatusSet, parse_status_set

        if isinstance(value, StatusSet):
            return value
        try:
            return parse_status_set(str(value))
        except ValueError as error:
            self.fail(printable(str(error)), param, ctx)


class HostRuleParam(click.ParamType["HostRule"]):
    """A rule for one host."""

    name = "RULE"
    envvar_list_splitter = "\n"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> "HostRule":
        """Return the rule."""
        # Imported here, so that --help does not wait for it.
        from downloader.link_check.options import HostRule, parse_host_rule

        if isinstance(value, HostRule):
            return value
        try:
            return parse_host_rule(str(value))
        except ValueError as error:
            self.fail(printable(str(error)), param, ctx)


class PatternParam(click.ParamType[re.Pattern[str]]):
    """A regular expression."""

    name = "PATTERN"
    envvar_list_splitter = "\n"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> re.Pattern[str]:
        """Return the compiled expression."""
        if isinstance(value, re.Pattern):
            return value
        text = str(value)
        try:
            return re.compile(text)
        except (re.error, RecursionError, OverflowError) as error:
            shown = printable(text[:80])
            self.fail(f"{shown!r} is no regular expression: {error}", param, ctx)
