"""A small world of real ledgers, attestors and a relay, for people to watch and for tests to measure."""
