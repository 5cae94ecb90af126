"""Version 1: accounts, prices, transfers, and the marks of what is open."""

LEDGER = """
CREATE TABLE account (
    number INTEGER PRIMARY KEY,
    side TEXT NOT NULL CHECK (side IN ('consumer', 'model')),
    tenant TEXT NOT NULL,
    application TEXT NOT NULL,
    key TEXT NOT NULL,
    model TEXT NOT NULL,
    currency TEXT NOT NULL,
    posted_input INTEGER NOT NULL CHECK (posted_input >= posted_cached),
    posted_cached INTEGER NOT NULL CHECK (posted_cached >= 0),
    posted_output INTEGER NOT NULL CHECK (posted_output >= 0),
    posted_nano INTEGER NOT NULL CHECK (posted_nano >= 0),
    held_input INTEGER NOT NULL CHECK (held_input >= 0),
    held_output INTEGER NOT NULL CHECK (held_output >= 0),
    held_nano INTEGER NOT NULL CHECK (held_nano >= 0),
    UNIQUE (side, tenant, application, key, model, currency)
) STRICT;
CREATE TABLE price (
    number INTEGER PRIMARY KEY,
    model TEXT NOT NULL,
    currency TEXT NOT NULL,
    input INTEGER NOT NULL CHECK (input >= cached_input),
    cached_input INTEGER NOT NULL CHECK (cached_input >= 0),
    output INTEGER NOT NULL CHECK (output >= 0),
    UNIQUE (model, currency, input, cached_input, output)
) STRICT;
CREATE TABLE transfer (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    debit INTEGER NOT NULL REFERENCES account,
    credit INTEGER NOT NULL REFERENCES account,
    input_tokens INTEGER NOT NULL,
    cached_input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    nano INTEGER NOT NULL,
    request TEXT,
    price INTEGER REFERENCES price,
    outcome TEXT,
    engine TEXT,
    units INTEGER,
    is_estimate INTEGER
) STRICT;
CREATE TABLE mark (
    number INTEGER PRIMARY KEY,
    input_tokens INTEGER NOT NULL,
    cached_input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    is_estimate INTEGER NOT NULL
) STRICT;
CREATE TABLE ledger (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    seq INTEGER NOT NULL,
    open_from INTEGER NOT NULL
) STRICT;
INSERT INTO ledger VALUES (1, 0, 1);
CREATE TRIGGER transfers_stay BEFORE UPDATE ON transfer
BEGIN SELECT RAISE(ABORT, 'a transfer is never changed'); END;
CREATE TRIGGER transfers_are_kept BEFORE DELETE ON transfer
BEGIN SELECT RAISE(ABORT, 'a transfer is never deleted'); END;
"""
