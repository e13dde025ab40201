"""The processes: each module here starts, loops, drains and exits; what it does is in `monitor`."""
