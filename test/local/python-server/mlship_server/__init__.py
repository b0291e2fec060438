"""A server package for tests of environments and scorers: no model, the real protocol."""
