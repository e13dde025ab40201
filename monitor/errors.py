"""Every error the service raises on purpose, split by what the caller does about it.

MonitorError
├── Retryable          wait and try the same thing again; nothing is wrong with the data
│   ├── StoreUnavailable
│   ├── BrokerUnavailable
│   └── QueueUnavailable
├── Poison             this one record or row can never succeed; dead-letter it and go on
│   └── StoreRejected
└── Fatal              a person must change something; stop and say what
    ├── ConfigError
    ├── InputError
    └── StackError
"""


class MonitorError(Exception):
    """Root of the errors raised on purpose; the message says what, where and what to do."""


class Retryable(MonitorError):  # noqa: N818 - the three families are named by what the caller does
    """The same call can succeed later."""


class StoreUnavailable(Retryable):
    """ClickHouse did not answer, or answered that it cannot work now."""


class BrokerUnavailable(Retryable):
    """Kafka did not answer."""


class QueueUnavailable(Retryable):
    """Redis did not take or give a hint; the work it is about is still due in ClickHouse."""


class Poison(MonitorError):  # noqa: N818 - see Retryable
    """One record or row that can never succeed."""


class StoreRejected(Poison):
    """ClickHouse refused these rows for what they are; smaller parts may pass."""

    def __init__(self, message: str, *, code: int | None = None) -> None:
        """Keep ClickHouse's numeric error code beside the message."""
        super().__init__(message)
        self.code = code


class Fatal(MonitorError):  # noqa: N818 - see Retryable
    """A person must change something first."""


class ConfigError(Fatal):
    """A setting is missing or wrong."""


class InputError(Fatal):
    """A file or argument that a person named cannot be used."""


class StackError(Fatal):
    """The embedded stack cannot start or keep running."""
