"""A workshop that speaks the real protocols, and recorded logs served over them.

Imports nothing of plantseal, so a fault in the product and a fault here cannot cancel out.
"""
