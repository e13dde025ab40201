"""The process that serves the web console."""

import uvicorn

from monitor.config import settings
from monitor.review.app import make_console
from monitor.store.client import spare_data_frames
from monitor.telemetry import configure_logging


def main() -> int:
    """Serve until SIGTERM."""
    configure_logging()
    spare_data_frames()
    config = settings()
    uvicorn.run(
        make_console(config),
        host=config.console.host,
        port=config.console.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
