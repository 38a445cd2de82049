"""What requests consist of: methods, bodies, and the codings that they ask for."""

from tests.support.command import Command
from tests.support.handlers import sends
from tests.support.web_server import Site


async def test_without_compression_a_server_is_asked_for_identity(
    site: Site, command: Command
) -> None:
    site.pages["/"] = sends(b"page")
    for option in ("--compressed", "--no-compressed"):
        assert (await command(site.url("/"), option, "--force")).status == 0
    compressed, uncompressed = (request.headers["Accept-Encoding"] for request in site.requests)
    assert "gzip" in compressed
    assert uncompressed == "identity"


async def test_a_random_wait_without_a_delay_is_a_usage_error(site: Site, command: Command) -> None:
    finished = await command(site.url("/"), "--random-wait")
    assert finished.status == 2
    assert "--random-wait needs --delay" in finished.err[-1]
