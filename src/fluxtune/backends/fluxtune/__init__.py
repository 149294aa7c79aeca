"""Another server that speaks BFL's API with finetunes: above all a fluxtune on another computer."""
