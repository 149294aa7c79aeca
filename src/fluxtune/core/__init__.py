"""Words the whole product shares: ids, errors, clock, parameters. No I/O."""
