"""What takes room, and what removes it: the trash, rules of retention, cleaning by hand."""
