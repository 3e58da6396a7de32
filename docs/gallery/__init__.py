"""Experiments on real data whose pages stand in the documentation: ``python -m docs.gallery``."""
