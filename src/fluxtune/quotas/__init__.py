"""What each person may use: images a day, finetunes, storage, and money for hosted images."""
