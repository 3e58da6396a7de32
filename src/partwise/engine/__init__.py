"""The problem, the loop that lowers its objective, and how a fit ends."""
