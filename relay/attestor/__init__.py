"""The attestor service, and the relay's side of it: asking several and counting a quorum per path."""
