"""Keys of the relay and of attestors: encrypted at rest, silent in use."""
