"""The way back: from a figure on a surface to the readings and the rules behind it, through the real metadata."""
