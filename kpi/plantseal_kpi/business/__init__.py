"""Figures of the business: each from its ledger."""
