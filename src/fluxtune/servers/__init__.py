"""Other servers one has added: a fluxtune on a GPU machine, or whatever else speaks BFL's API with finetunes."""
