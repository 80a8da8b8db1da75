"""Where figures come from, and why a value changed."""
