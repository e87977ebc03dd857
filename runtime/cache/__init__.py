"""Accounting of the cache in plain Python.

counting.py    a cache that only counts tokens, for scripts and tests
"""
