"""The data that flows through the rooms: frozen, slotted and picklable.

An address to fetch is one of ``targets``, what became of it one of ``outcomes``; ``options`` say
how a run is made, and ``runs`` what is said of it as a whole.
"""

from downloader.models.options import LEVEL, PACK_SIZE, USER_AGENT, Options, Pack, WarcDigest
from downloader.models.outcomes import (
    Downloaded,
    Failed,
    Outcome,
    Sizes,
    Skipped,
    SkipReason,
    Timings,
    Unchanged,
)
from downloader.models.partial import PartialBody
from downloader.models.runs import ExitStatus, InFlight, Tally
from downloader.models.targets import Checksum, Target

__all__ = [
    "LEVEL",
    "PACK_SIZE",
    "USER_AGENT",
    "Checksum",
    "Downloaded",
    "ExitStatus",
    "Failed",
    "InFlight",
    "Options",
    "Outcome",
    "Pack",
    "PartialBody",
    "Sizes",
    "SkipReason",
    "Skipped",
    "Tally",
    "Target",
    "Timings",
    "Unchanged",
    "WarcDigest",
]
