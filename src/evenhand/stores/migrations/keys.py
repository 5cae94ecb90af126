"""Version 2: the API keys that `evenhand keys` makes."""

KEYS = """
CREATE TABLE pepper (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    proof BLOB NOT NULL
) STRICT;
CREATE TABLE api_key (
    id TEXT PRIMARY KEY,
    tenant TEXT NOT NULL,
    application TEXT NOT NULL,
    trust_domain TEXT NOT NULL,
    lane TEXT NOT NULL,
    models TEXT NOT NULL,
    open_requests_max INTEGER CHECK (open_requests_max > 0),
    output_tokens_max INTEGER CHECK (output_tokens_max > 0),
    spend_max_nano INTEGER CHECK (spend_max_nano >= 0),
    tokens_max INTEGER CHECK (tokens_max > 0),
    note TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER,
    revoked_ms INTEGER,
    change INTEGER NOT NULL UNIQUE
) STRICT, WITHOUT ROWID;
CREATE TABLE api_key_secret (
    digest BLOB PRIMARY KEY CHECK (length(digest) = 32),
    key TEXT NOT NULL REFERENCES api_key,
    created_ms INTEGER NOT NULL,
    valid_until_ms INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX api_key_secrets ON api_key_secret (key);
CREATE TRIGGER api_keys_are_kept BEFORE DELETE ON api_key
BEGIN SELECT RAISE(ABORT, 'a key is revoked, never deleted'); END;
CREATE TRIGGER api_keys_stay_revoked BEFORE UPDATE ON api_key WHEN old.revoked_ms IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'a revoked key stays as it is'); END;
CREATE TRIGGER api_key_secrets_are_kept BEFORE DELETE ON api_key_secret
BEGIN SELECT RAISE(ABORT, 'a secret ends, and is never deleted'); END;
"""
