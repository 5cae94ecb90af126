"""Version 6: what engines have counted, beside what the gateway knew: the ground of reconciliation."""

ENGINE_COUNTS = """
CREATE TABLE engine_count (
    engine TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    boot INTEGER NOT NULL,
    life INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL CHECK (input_tokens >= 0),
    output_tokens INTEGER NOT NULL CHECK (output_tokens >= 0),
    is_calm INTEGER NOT NULL,
    open_input INTEGER NOT NULL,
    open_output_most INTEGER NOT NULL,
    retried INTEGER NOT NULL,
    retried_input_most INTEGER NOT NULL,
    retried_output_most INTEGER NOT NULL,
    left INTEGER NOT NULL,
    left_input INTEGER NOT NULL,
    left_input_most INTEGER NOT NULL,
    left_output_most INTEGER NOT NULL,
    surplus_input INTEGER NOT NULL,
    direct_input INTEGER NOT NULL,
    direct_output INTEGER NOT NULL,
    foreign_readings INTEGER NOT NULL,
    PRIMARY KEY (engine, boot, at_ms)
) STRICT, WITHOUT ROWID;
"""
