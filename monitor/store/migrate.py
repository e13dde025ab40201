"""Makes the database and its tables; safe to run again, and by several processes at once."""

from monitor.config import ClickHouseSettings
from monitor.store.client import Store
from monitor.store.sql import blocks


def migrate(settings: ClickHouseSettings) -> list[str]:
    """Create what is missing and give the names of all blocks that ran.

    Raises:
        StoreUnavailable: ClickHouse does not answer.
        StoreRejected: a statement was refused, for example for missing grants.
    """
    with Store.connect(settings, database="default") as bare:
        bare.create_database(settings.database)
    with Store.connect(settings) as store:
        for statement in blocks("schema.sql").values():
            store.run(statement)
    return list(blocks("schema.sql"))
