"""Records what was found: the links of documents, and what has become of each target."""

from collections import Counter

from downloader.errors import ErrorKind
from downloader.link_check.document_links import DocumentLinks, FoundLink
from downloader.link_check.link_policy import LAST_RANK, LinkDecision, LinkPolicy
from downloader.link_check.link_table import (
    Answer,
    LinkTable,
    Purpose,
    QueuedTarget,
    State,
    TargetEntry,
)
from downloader.web.urls import Url

#: States of targets that another mention does not change.
_FINAL_STATES = frozenset({State.BROKEN, State.EXCLUDED, State.DISALLOWED, State.NOT_CHECKED})
#: States of targets that work.
_WORKING_STATES = frozenset({State.WORKS, State.WARNING})


class LinkRecorder:
    """Records links, in the order in which documents are read.

    Args:
        table: where they are recorded.
        policy: decides about each of them.
        max_urls: how many URLs are asked because a page names them; None for no limit.

    Attributes:
        pages: documents that were read for links.
        found: targets that are to be asked, those that were included.
        answered: targets that were.
        broken: how many of these are broken.
        is_cut: whether links were left out because of *max_urls*.
    """

    def __init__(self, table: LinkTable, policy: LinkPolicy, max_urls: int | None) -> None:
        self.pages = 0
        self.found = 0
        self.answered = 0
        self.broken = 0
        self.is_cut = False
        self._table = table
        self._policy = policy
        self._max_urls = max_urls
        self._linked = 0
        #: Targets that are to be read for links and have no answer, by rank.
        self._unread: Counter[int] = Counter()

    def startable_rank(self, *, list_has_ended: bool) -> int:
        """Return the highest rank of targets that may be started now.

        Pages are read in the order of their depth: otherwise the speed of servers would decide how
        deep a page is, and so which ones are read. Targets of the last rank wait for all pages.
        """
        unread = [rank for rank, number in self._unread.items() if number > 0]
        if unread:
            return min(unread)
        return LAST_RANK if list_has_ended else 0

    def add_listed(self, url: Url, place: str, line: int | None) -> None:
        """Record a URL that a source names."""
        rank = self._policy.rank_of(Purpose.LINKS, 0)
        entry = self._table.target(url)
        if entry is None:
            state = State.EXCLUDED if self._policy.is_excluded(url) else State.WAITING
            entry = self._table.add_target(
                url,
                Purpose.LINKS,
                rank=rank,
                is_external=False,
                is_listed=True,
                root=url,
                state=state,
            )
            self._count_new(entry, rank)
        elif entry.purpose is not Purpose.LINKS and entry.state not in _FINAL_STATES:
            self._reopen(entry, LinkDecision(Purpose.LINKS, rank, False, 0, 0), url, is_listed=True)
        self._table.mention(entry, "", self._table.place(place), line, "")

    def add_bad_line(
        self, text: str, message: str, hint: str, place: str, line: int | None
    ) -> None:
        """Record a line of a list that is no URL."""
        entry = self._bad_target(text, message, hint)
        self._table.mention(entry, "", self._table.place(place), line, "")

    def record_document(self, queued: QueuedTarget, document: DocumentLinks) -> int:
        """Record what was read for a target; return the id of the target with its document.

        If another target has redirected to the same document before, its links are known.
        """
        table, target = self._table, queued.id
        if document.url != queued.url:
            target = self._redirected(queued, document.url).id
        reads_links = queued.purpose is Purpose.LINKS
        if reads_links and table.was_read(target):
            return target
        number = len(document.links) if reads_links else -1
        table.add_document(target, number, document.targets)
        if reads_links:
            self.pages += 1
            for link in document.links:
                self._record_link(link, queued, document.url, target)
            for bad in document.bad:
                entry = self._bad_target(bad.reference, bad.message, "")
                table.mention(entry, "", target, bad.line, bad.construct)
        return target

    def record_answer(self, queued: QueuedTarget, answer: Answer) -> None:
        """Record what has become of a target."""
        entry = self._table.target(queued.url)
        if entry is not None and entry.purpose > queued.purpose and answer.state in _WORKING_STATES:
            # While it was asked, a link was found that needs its document.
            self._table.set_answer(queued.url, queued.id, Answer(State.WAITING))
            return
        self.broken += answer.state is State.BROKEN
        self._table.set_answer(queued.url, queued.id, answer)
        self._count_answer(entry)

    def _count_answer(self, entry: TargetEntry | None) -> None:
        self.answered += 1
        if entry is not None and entry.purpose is Purpose.LINKS:
            self._unread[entry.rank] -= 1

    def _record_link(
        self, link: FoundLink, page: QueuedTarget, page_url: Url, page_id: int
    ) -> None:
        """Record one link of a page."""
        table, policy = self._table, self._policy
        entry = table.target(link.url)
        fragment = link.fragment
        if fragment and policy.is_excluded(link.url, fragment) and not policy.is_excluded(link.url):
            # Only the fragment is excluded.
            link = link._replace(fragment="")
            fragment = ""
        if entry is None:
            entry = self._add_link(link, policy.decide(link, page, page_url), page)
        elif entry.purpose is not Purpose.LINKS and entry.state not in _FINAL_STATES:
            decision = policy.decide(link, page, page_url)
            purpose = decision.purpose or Purpose.EXISTENCE
            is_trap = purpose is Purpose.LINKS and policy.is_trap(link.url)
            if purpose > entry.purpose and not is_trap:
                self._reopen(entry, decision, page.root)
        table.mention(entry, fragment, page_id, link.line, link.construct)

    def _add_link(self, link: FoundLink, decision: LinkDecision, page: QueuedTarget) -> TargetEntry:
        """Add a target that a page is the first to name."""
        state, purpose, rank = State.WAITING, decision.purpose, decision.rank
        if purpose is None:
            state = State.EXCLUDED
        elif self._max_urls is not None and self._linked >= self._max_urls:
            state, self.is_cut = State.NOT_CHECKED, True
        elif (
            purpose is Purpose.LINKS and link.kind.is_navigation and self._policy.is_trap(link.url)
        ):
            state = State.NOT_CHECKED
        else:
            self._linked += 1
        entry = self._table.add_target(
            link.url,
            purpose or Purpose.EXISTENCE,
            rank=rank,
            is_external=decision.is_external,
            depth=decision.depth,
            nesting=decision.nesting,
            root=page.root,
            parent=page.url,
            state=state,
        )
        self._count_new(entry, rank)
        return entry

    def _count_new(self, entry: TargetEntry, rank: int) -> None:
        if entry.state is State.WAITING:
            self.found += 1
            self._unread[rank] += entry.purpose is Purpose.LINKS

    def _reopen(
        self, entry: TargetEntry, decision: LinkDecision, root: Url, *, is_listed: bool = False
    ) -> None:
        purpose = decision.purpose or Purpose.EXISTENCE
        if entry.state in _WORKING_STATES:
            self.answered -= 1
        self._table.reopen(
            entry,
            purpose,
            rank=decision.rank,
            is_external=decision.is_external,
            is_listed=is_listed,
            depth=decision.depth,
            nesting=decision.nesting,
            root=root,
        )
        self._unread[decision.rank] += purpose is Purpose.LINKS

    def _redirected(self, queued: QueuedTarget, url: Url) -> TargetEntry:
        """Return the target that another one has redirected to, which is answered with it."""
        entry = self._table.target(url)
        if entry is not None and entry.state is State.WAITING and entry.purpose <= queued.purpose:
            self._table.flush()
            self._table.set_answer(url, entry.id, Answer(State.WORKS))
            self._count_answer(entry)
        if entry is None:
            return self._table.add_target(
                url,
                queued.purpose,
                rank=queued.rank,
                is_external=queued.is_external,
                depth=queued.depth,
                nesting=queued.nesting,
                root=queued.root,
                parent=queued.parent,
                state=State.WORKS,
            )
        return entry

    def _bad_target(self, text: str, message: str, hint: str) -> TargetEntry:
        """Return the target for a reference that is no URL."""
        name = Url(text or "(empty)")
        entry = self._table.target(name)
        if entry is None:
            entry = self._table.add_target(
                name, Purpose.EXISTENCE, rank=0, is_external=False, root=name, state=State.BROKEN
            )
            self._table.flush()
            answer = Answer(State.BROKEN, ErrorKind.BAD_URL, message, hint)
            self._table.set_answer(name, entry.id, answer)
            self.broken += 1
        return entry
