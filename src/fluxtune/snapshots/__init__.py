"""What finetunes have seen of a dataset: lists, pictures and differences of snapshots."""
