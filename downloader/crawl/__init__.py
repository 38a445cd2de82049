"""Pure: which links of a page are followed.

Three questions, in the order of what they cost: is the address within what was asked for
(:class:`Scope`), is it no trap (:class:`Traps`), and does its site allow it (:class:`Robots`).
"""

from downloader.crawl.robots import LIMIT, Robots, Rules
from downloader.crawl.scope import Patterns, Refusal, Scope
from downloader.crawl.traps import Bounds, Trap, Traps

__all__ = ["LIMIT", "Bounds", "Patterns", "Refusal", "Robots", "Rules", "Scope", "Trap", "Traps"]
