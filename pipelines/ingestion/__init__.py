"""Market data as assets: asked for, audited, published."""
