"""Before and after: what may be compared, and how sure one can be of the difference."""
