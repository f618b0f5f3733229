"""Does a test that names its error fail when a rule is gone? Every predicate of `proofs` is switched off in turn."""
