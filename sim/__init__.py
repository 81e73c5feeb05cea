"""chokepoint: the AI-chip trade under export controls, simulated. The public door: load, build, run, Result."""
