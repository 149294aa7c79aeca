"""LoRA files of any trainer: recognised by their header, put into our names, written in others'. No torch here."""
