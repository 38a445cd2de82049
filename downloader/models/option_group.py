"""The base of the groups of options, and checks that they share."""

from dataclasses import dataclass

from downloader.errors import BadUrlError
from downloader.web import urls


@dataclass(frozen=True, kw_only=True, init=False, eq=False, repr=False)
class OptionGroup:
    """The end of every group's chain of checks."""

    def __post_init__(self) -> None:
        """Check nothing: each group checks its own fields, then calls the next group's check."""


def require_url(**texts: str) -> None:
    """Check that options are URLs.

    Raises:
        ValueError: one is not.
    """
    for name, text in texts.items():
        try:
            urls.parse(text)
        except BadUrlError:
            # The text is not shown, because it may hold a password.
            raise ValueError(f"{name} must be an http or https URL") from None


def require_at_least_one(**numbers: int | None) -> None:
    """Check that numbers are 1 or more.

    Raises:
        ValueError: one is not.
    """
    for name, number in numbers.items():
        if number is not None and number < 1:
            raise ValueError(f"{name} must be at least 1")


def require_positive(**numbers: float | None) -> None:
    """Check that numbers are more than 0.

    Raises:
        ValueError: one is not.
    """
    for name, number in numbers.items():
        if number is not None and number <= 0:
            raise ValueError(f"{name} must be more than 0")


def require_not_negative(**numbers: float | None) -> None:
    """Check that numbers are 0 or more.

    Raises:
        ValueError: one is not.
    """
    for name, number in numbers.items():
        if number is not None and number < 0:
            raise ValueError(f"{name} must not be negative")


def refuse_with_pack(**others: object) -> None:
    """Check that nothing is given that a pack excludes.

    Raises:
        ValueError: something is.
    """
    if given := [name for name, value in others.items() if value]:
        raise ValueError(f"pack cannot be combined with {' or '.join(given)}")
