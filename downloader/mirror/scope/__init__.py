"""Pure: which links of a page are followed.

Three questions, in the order of what they cost: is the address within what was asked for
(:class:`Scope`), is it no trap (:class:`TrapDetector`), and does its site allow it
(:class:`RobotsCache`).
"""

from downloader.mirror.scope.robots import LIMIT, RobotsCache, RobotsRules
from downloader.mirror.scope.scope import RefusalReason, Scope, UrlPatterns
from downloader.mirror.scope.traps import TrapDetector, TrapLimits, TrapReason

__all__ = [
    "LIMIT",
    "RefusalReason",
    "RobotsCache",
    "RobotsRules",
    "Scope",
    "TrapDetector",
    "TrapLimits",
    "TrapReason",
    "UrlPatterns",
]
