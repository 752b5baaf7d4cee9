-- What was written into Salesforce, and what that cost. The endpoint itself is a row of webhooks with the id "salesforce".

-- For each event: what is being made, what was made, and what stood there before (JSON). It keeps an entry from being made twice.
CREATE TABLE salesforce_records (
    org                  TEXT NOT NULL,
    event_id             TEXT NOT NULL,
    record               TEXT NOT NULL,
    PRIMARY KEY (org, event_id)
);

-- Requests of each day, in UTC.
CREATE TABLE salesforce_usage (
    org                  TEXT NOT NULL,
    day                  TEXT NOT NULL,
    requests             BIGINT NOT NULL,
    PRIMARY KEY (org, day)
);
