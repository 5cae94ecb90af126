"""Version 3: reasoning, flat prices, the time of GPUs, and what was posted for each day.

`account_day` is what budgets of days, weeks and months start from. It is derived: the audit recounts it.
"""

PERIODS = """
ALTER TABLE account ADD COLUMN posted_reasoning INTEGER NOT NULL DEFAULT 0
    CHECK (posted_reasoning >= 0);
ALTER TABLE account ADD COLUMN posted_gpu_us INTEGER NOT NULL DEFAULT 0 CHECK (posted_gpu_us >= 0);
ALTER TABLE transfer ADD COLUMN reasoning_tokens INTEGER NOT NULL DEFAULT 0;
ALTER TABLE transfer ADD COLUMN gpu_us INTEGER NOT NULL DEFAULT 0;
ALTER TABLE mark ADD COLUMN reasoning_tokens INTEGER NOT NULL DEFAULT 0;
CREATE TABLE price_with_more (
    number INTEGER PRIMARY KEY,
    model TEXT NOT NULL,
    currency TEXT NOT NULL,
    input INTEGER NOT NULL CHECK (input >= cached_input),
    cached_input INTEGER NOT NULL CHECK (cached_input >= 0),
    output INTEGER NOT NULL CHECK (output >= 0),
    reasoning INTEGER NOT NULL CHECK (reasoning >= 0),
    request INTEGER NOT NULL CHECK (request >= 0),
    gpu_second INTEGER NOT NULL CHECK (gpu_second >= 0),
    UNIQUE (model, currency, input, cached_input, output, reasoning, request, gpu_second)
) STRICT;
INSERT INTO price_with_more
    SELECT number, model, currency, input, cached_input, output, output, 0, 0 FROM price;
DROP TABLE price;
ALTER TABLE price_with_more RENAME TO price;
CREATE TABLE account_day (
    day INTEGER NOT NULL,
    account INTEGER NOT NULL REFERENCES account,
    posted_tokens INTEGER NOT NULL,
    posted_nano INTEGER NOT NULL,
    PRIMARY KEY (day, account)
) STRICT, WITHOUT ROWID;
INSERT INTO account_day
    SELECT hold.at_ms / 86400000, hold.debit, sum(later.input_tokens + later.output_tokens),
        sum(later.nano)
    FROM transfer AS later JOIN transfer AS hold ON hold.id = later.id - later.id % 4
    WHERE later.kind IN ('settle', 'excess') GROUP BY 1, 2;
"""
