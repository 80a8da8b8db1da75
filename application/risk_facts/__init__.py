"""The facts of one portfolio in one release that a text about its risks may tell."""
