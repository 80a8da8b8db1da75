"""Events: written with what made them true, delivered once in order."""
