"""Screenshots are compared with a tolerance, because a browser may round colours differently.

Chromium 156 draws a few pixels of a frame one level of one channel apart when the frame comes from
``file:`` or ``data:`` instead of ``http:``.
"""

import io
from dataclasses import dataclass

from PIL import Image, ImageChops

#: Levels (of 255) by which a channel of a pixel may differ.
MAX_LEVELS = 2
#: Share of all pixels that may differ, each by no more than that.
MAX_SHARE = 0.001


@dataclass(frozen=True, slots=True)
class Difference:
    """How two pictures differ.

    Attributes:
        sizes: width and height of both.
        levels: the greatest difference of one channel of one pixel, 0 to 255.
        share: the share of pixels that differ at all, 0 to 1.
    """

    sizes: tuple[tuple[int, int], tuple[int, int]]
    levels: int = 0
    share: float = 0.0

    @property
    def is_tolerable(self) -> bool:
        """Whether a person could not see it."""
        same_size = self.sizes[0] == self.sizes[1]
        return same_size and self.levels <= MAX_LEVELS and self.share <= MAX_SHARE

    def __str__(self) -> str:
        return (
            f"{self.levels} levels of a channel (at most {MAX_LEVELS}), {self.share:.4%} of the "
            f"pixels (at most {MAX_SHARE:.1%}), sizes {self.sizes[0]} and {self.sizes[1]}"
        )


def difference(first: bytes, second: bytes) -> Difference:
    """Compare two pictures, each as PNG."""
    pictures = [Image.open(io.BytesIO(data)).convert("RGB") for data in (first, second)]
    sizes = (pictures[0].size, pictures[1].size)
    if sizes[0] != sizes[1]:
        return Difference(sizes)
    channels = ImageChops.difference(*pictures).split()
    greatest = ImageChops.lighter(ImageChops.lighter(channels[0], channels[1]), channels[2])
    unchanged, *changed = greatest.histogram()
    levels = max((level for level, count in enumerate(changed, 1) if count), default=0)
    return Difference(sizes, levels, sum(changed) / (unchanged + sum(changed)))
