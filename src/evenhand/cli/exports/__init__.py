"""Tables for other programs: the same rows as CSV or Parquet, whole or not at all, exact in either."""
