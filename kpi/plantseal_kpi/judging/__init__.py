"""Notices, and how facts are held against them."""
