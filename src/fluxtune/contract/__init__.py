"""BFL's API under `/v1`, served with the bases here: what is made there are ordinary finetunes and images."""
