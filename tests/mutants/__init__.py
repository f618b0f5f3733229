"""Does a test notice when a rule is gone? Every predicate of `proofs` is switched off in turn: `make mutants`."""
