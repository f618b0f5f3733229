"""One module per operation; each has `subjects()`, which builds honest inputs and says what to measure."""
