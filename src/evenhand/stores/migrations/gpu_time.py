"""Version 5: GPU time by engine, hour and owner, and how far each engine's account goes."""

GPU_TIME = """
CREATE TABLE gpu_engine (
    engine TEXT PRIMARY KEY,
    since_us INTEGER NOT NULL,
    until_us INTEGER NOT NULL CHECK (until_us >= since_us),
    gpu_us INTEGER NOT NULL CHECK (gpu_us >= 0)
) STRICT, WITHOUT ROWID;
CREATE TABLE gpu_time (
    engine TEXT NOT NULL REFERENCES gpu_engine,
    hour INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('exact', 'estimated', 'idle', 'down', 'away')),
    tenant TEXT NOT NULL,
    application TEXT NOT NULL,
    key TEXT NOT NULL,
    model TEXT NOT NULL,
    price_nano INTEGER NOT NULL CHECK (price_nano >= 0),
    currency TEXT NOT NULL,
    gpu_us INTEGER NOT NULL CHECK (gpu_us > 0),
    PRIMARY KEY (engine, hour, kind, tenant, application, key, model, price_nano, currency)
) STRICT, WITHOUT ROWID;
"""
