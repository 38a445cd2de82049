"""Fixtures for tests in a real browser."""

from collections.abc import AsyncIterator

import pytest

from tests.support.mirror_site import MirrorSite, mirror_site


@pytest.fixture
async def mirrored() -> AsyncIterator[MirrorSite]:
    async with mirror_site() as site:
        yield site
