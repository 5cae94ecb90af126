"""Version 7: what was changed while the gateway ran, and who changed what."""

CONTROL = """
CREATE TABLE override (
    place TEXT PRIMARY KEY,
    value TEXT,
    who TEXT NOT NULL,
    at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE audit (
    number INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    who TEXT NOT NULL,
    what TEXT NOT NULL,
    place TEXT NOT NULL,
    before TEXT,
    after TEXT
) STRICT;
CREATE TRIGGER audit_stays BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'what was done is never changed'); END;
CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'what was done is never deleted'); END;
"""
