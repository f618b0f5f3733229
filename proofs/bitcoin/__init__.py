"""Bitcoin: belief that grows by work. Headers, their chain, and the transactions that they hold."""
