"""The base of the groups of options."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, init=False, eq=False, repr=False)
class OptionGroup:
    """The end of every group's chain of checks."""

    def __post_init__(self) -> None:
        """Check nothing: each group checks its own fields, then calls the next group's check."""
