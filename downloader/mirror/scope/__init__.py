"""Which links of a page are followed: scope, crawler traps and robots.txt; no I/O.

Three questions, cheapest first: is the URL within what was asked for (:class:`Scope`), does it
look like a trap (:class:`TrapDetector`), and does robots.txt of its site allow it
(:class:`RobotsCache`)?
"""

from downloader.mirror.scope.robots import MAX_ROBOTS_BYTES, RobotsCache, RobotsRules, product_token
from downloader.mirror.scope.scope import RefusalReason, Scope, UrlPatterns
from downloader.mirror.scope.traps import TrapDetector, TrapLimits, TrapReason

__all__ = [
    "MAX_ROBOTS_BYTES",
    "RefusalReason",
    "RobotsCache",
    "RobotsRules",
    "Scope",
    "TrapDetector",
    "TrapLimits",
    "TrapReason",
    "UrlPatterns",
    "product_token",
]
