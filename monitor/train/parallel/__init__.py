"""Test items in English and Turkish that say the same: `items()`. Never trained on; ids are for good."""

from monitor.train.parallel.bank import NOT_THE_PROPERTY, Item, has_property, items

__all__ = ["NOT_THE_PROPERTY", "Item", "has_property", "items"]
