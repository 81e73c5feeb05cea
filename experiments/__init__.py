"""Experiments: designs, engines, stores, comparisons and the command line."""
