"""Version 4: the batch in which each transfer came, so that a statement can be cut off at one;
corrections, and the statements that were issued."""

STATEMENTS = """
ALTER TABLE transfer ADD COLUMN batch INTEGER NOT NULL DEFAULT 0;
ALTER TABLE ledger ADD COLUMN batches_from INTEGER NOT NULL DEFAULT 0;
UPDATE ledger SET batches_from = seq;
CREATE TABLE correction (
    transfer INTEGER PRIMARY KEY REFERENCES transfer,
    reference TEXT NOT NULL UNIQUE,
    author TEXT NOT NULL,
    reason TEXT NOT NULL,
    request TEXT
) STRICT;
CREATE TABLE statement (
    number INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    from_ms INTEGER NOT NULL,
    to_ms INTEGER NOT NULL CHECK (to_ms > from_ms),
    cut INTEGER NOT NULL,
    total TEXT NOT NULL,
    gpu TEXT NOT NULL,
    digest TEXT NOT NULL,
    issued_ms INTEGER NOT NULL,
    issued_by TEXT NOT NULL,
    UNIQUE (tenant, from_ms)
) STRICT;
CREATE TRIGGER corrections_stay BEFORE UPDATE ON correction
BEGIN SELECT RAISE(ABORT, 'a correction is never changed'); END;
CREATE TRIGGER corrections_are_kept BEFORE DELETE ON correction
BEGIN SELECT RAISE(ABORT, 'a correction is never deleted'); END;
CREATE TRIGGER statements_stay BEFORE UPDATE ON statement
BEGIN SELECT RAISE(ABORT, 'an issued statement is never changed'); END;
CREATE TRIGGER statements_are_kept BEFORE DELETE ON statement
BEGIN SELECT RAISE(ABORT, 'an issued statement is never deleted'); END;
"""
