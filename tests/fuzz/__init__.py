"""Hostile bytes for every parser and family: a few in `make test`, millions by `make fuzz`."""
