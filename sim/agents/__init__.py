"""Kinds of agent, one a file: government, chipmaker, distributor, lab."""
