"""Pages with nearly the same text, by MinHash signatures of their words."""

import pickle
import re
from collections.abc import Sequence
from typing import Protocol, cast

import rensa

#: The share of common shingles from which two texts count as nearly the same.
MIN_SIMILARITY = 0.8
#: Pages that are remembered for comparison; each takes about a kilobyte.
MAX_PAGES = 200_000
#: Words in a row that are compared. In scripts without spaces, every character is one.
_WORDS_PER_SHINGLE = 3
#: Texts with fewer words say too little: menus and messages of errors.
_MIN_WORDS = 10
_MAX_WORDS = 200_000
_WORD = re.compile(
    r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]|[^\W\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]+"
)
_HASHES, _BANDS, _SEED = 128, 16, 1


class _Sketch(Protocol):
    """The methods of ``rensa.RMinHash`` that are called here."""

    def update(self, items: Sequence[str]) -> None:
        """Add items of a set."""

    def jaccard(self, other: "_Sketch") -> float:
        """Return the similarity of two sets, from 0 to 1."""


class _SketchIndex(Protocol):
    """The methods of ``rensa.RMinHashLSH`` that are called here."""

    def insert(self, key: int, minhash: _Sketch) -> None:
        """Add a sketch."""

    def query(self, minhash: _Sketch) -> Sequence[int]:
        """Return the keys of sketches that may be similar."""


def text_signature(text: str) -> bytes:
    """Return the signature of a text; empty if it is too short to be compared."""
    words = _WORD.findall(text.casefold())[:_MAX_WORDS]
    if len(words) < _MIN_WORDS:
        return b""
    sketch: _Sketch = rensa.RMinHash(num_perm=_HASHES, seed=_SEED)
    count = len(words) - _WORDS_PER_SHINGLE + 1
    sketch.update([" ".join(words[n : n + _WORDS_PER_SHINGLE]) for n in range(count)])
    return pickle.dumps(sketch)


class NearDuplicateIndex:
    """The pages of a run so far, by their signatures.

    Attributes:
        max_pages: pages that are remembered.
        is_full: whether pages have been left out because there are more.
    """

    def __init__(self, max_pages: int = MAX_PAGES) -> None:
        self.is_full = False
        self.max_pages = max_pages
        self._index: _SketchIndex = rensa.RMinHashLSH(MIN_SIMILARITY, _HASHES, _BANDS)
        self._pages: list[tuple[str, _Sketch]] = []

    def find_or_add(self, url: str, signature: bytes) -> str:
        """Return the URL of the most similar page before; if there is none, add this one.

        Args:
            url: of the page.
            signature: as :func:`text_signature` returned it, in this process or in its worker.
        """
        if not signature:
            return ""
        sketch = cast("_Sketch", pickle.loads(signature))  # noqa: S301 - see above
        candidates = (self._pages[number] for number in self._index.query(sketch))
        similar = [(sketch.jaccard(other), first) for first, other in candidates]
        similarity, first = max(similar, default=(0.0, ""))
        if similarity >= MIN_SIMILARITY:
            return first
        if len(self._pages) >= self.max_pages:
            self.is_full = True
            return ""
        self._index.insert(len(self._pages), sketch)
        self._pages.append((url, sketch))
        return ""
