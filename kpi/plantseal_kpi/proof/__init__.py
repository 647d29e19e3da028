"""Before and after, and how sure one can be: exact arithmetic, intervals, sample sizes."""
