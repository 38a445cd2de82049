"""The state machine of h2, with the settings of this client."""

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.settings import SettingCodes, Settings

from downloader.http.http2.fields import FieldDecoder
from downloader.http.http2.frames import MAX_FRAME_BYTES, MAX_HEAD_BYTES
from downloader.http.http2.windows import WindowBudget


def h2_connection(budget: WindowBudget) -> H2Connection:
    """Return the state of a new connection.

    Args:
        budget: the memory for bodies.
    """
    connection = H2Connection(
        H2Configuration(
            client_side=True,
            header_encoding=None,
            # Fields are checked in ``fields``: see there.
            validate_inbound_headers=False,
            normalize_inbound_headers=False,
            validate_outbound_headers=False,
            normalize_outbound_headers=False,
        )
    )
    # These settings hold at once: the first request follows them.
    connection.local_settings = Settings(
        client=True,
        initial_values={
            SettingCodes.ENABLE_PUSH: 0,
            SettingCodes.INITIAL_WINDOW_SIZE: budget.initial,
            SettingCodes.MAX_FRAME_SIZE: MAX_FRAME_BYTES,
            SettingCodes.MAX_HEADER_LIST_SIZE: MAX_HEAD_BYTES,
        },
    )
    connection.max_inbound_frame_size = MAX_FRAME_BYTES
    connection.decoder = FieldDecoder(MAX_HEAD_BYTES)
    return connection
