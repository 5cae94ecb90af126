"""`evenhand paper`: runs a paper's experiments again."""
