"""Policy levers: one a file, each an effect that a rule can have on the terms of trade."""
