"""``python -m plantseal``."""

from plantseal.cli import main

if __name__ == "__main__":
    main()
