"""Loads the model of a bundle, scores tables with it and serves it over HTTP."""
