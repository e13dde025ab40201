"""The web console: pages for people over what the other stages wrote."""
