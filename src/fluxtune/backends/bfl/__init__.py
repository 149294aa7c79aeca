"""BFL's hosted API, and servers that speak it: which endpoints there are, and how to talk to them."""
