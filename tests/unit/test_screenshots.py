"""The comparison of screenshots: what a person cannot see is tolerated, and nothing else."""

import io

from PIL import Image

from tests.support.screenshots import MAX_LEVELS, difference

GREY = (200, 200, 200)


def picture(*spots: tuple[int, int, int], size: tuple[int, int] = (800, 600)) -> bytes:
    """Return a grey picture with spots of other colours, each of 16 by 16 pixels."""
    image = Image.new("RGB", size, GREY)
    for number, colour in enumerate(spots):
        image.paste(colour, (number * 16, 0, number * 16 + 16, 16))
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def test_equal_pictures_do_not_differ() -> None:
    found = difference(picture(), picture())
    assert (found.levels, found.share, found.is_tolerable) == (0, 0.0, True)


def test_one_level_of_one_channel_is_tolerated() -> None:
    found = difference(picture(), picture((200, 201, 200)))
    assert (found.levels, found.is_tolerable) == (1, True)
    assert found.share == 16 * 16 / (800 * 600)


def test_an_icon_of_another_colour_is_a_difference() -> None:
    assert not difference(picture(), picture((200, 200 - MAX_LEVELS - 1, 200))).is_tolerable


def test_a_single_pixel_of_another_colour_is_a_difference() -> None:
    image = Image.open(io.BytesIO(picture()))
    image.putpixel((50, 50), (0, 0, 0))
    file = io.BytesIO()
    image.save(file, "PNG")
    assert not difference(picture(), file.getvalue()).is_tolerable


def test_many_pixels_of_a_slightly_different_colour_are_a_difference() -> None:
    found = difference(picture(), picture((201, 201, 201), (201, 201, 201)))
    assert found.levels == 1
    assert not found.is_tolerable


def test_another_size_is_a_difference() -> None:
    assert not difference(picture(), picture(size=(800, 601))).is_tolerable
