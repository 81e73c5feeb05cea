"""chokepoint: the AI-chip trade under export controls, simulated. The public door: load, build, run, Result."""

from sim import kernels_cache as kernels_cache  # first: numba reads its cache folder when it is imported
