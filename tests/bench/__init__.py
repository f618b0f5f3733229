"""What verification costs, next to the hashing or the signatures that it cannot do without."""
