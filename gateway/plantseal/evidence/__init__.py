"""Evidence: the bundle a stranger can check, its producer and its verifier.

``format``, ``envelope`` and ``container`` are the format; ``seal`` makes a bundle from a store;
``verify`` and the rooms named ``verify_*`` judge one and reach no store, connector or protocol.
The normative text is ``docs/bundle-format.md``.
"""
