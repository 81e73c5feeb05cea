"""Clearings, one algorithm a file: network (exact), sloped (Takayama-Judge), posted (rationing at the ask)."""
