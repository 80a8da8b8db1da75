"""Orders, their fills, and the broker's side of them."""
