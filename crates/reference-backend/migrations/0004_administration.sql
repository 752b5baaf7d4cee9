-- Signing in to the pages, what lists are sorted by, and what housekeeping looks for.

CREATE TABLE sessions (
    -- SHA-256 of the cookie, in hex.
    hash                 TEXT PRIMARY KEY,
    -- Of the platform's token that was shown: a session ends with it.
    token                TEXT NOT NULL,
    expires_at           BIGINT NOT NULL
);

ALTER TABLE campaigns ADD COLUMN name TEXT;
ALTER TABLE campaigns ADD COLUMN last_sent_at BIGINT;
INSERT INTO campaigns (org, id, last_sent_at)
    SELECT org, campaign, MAX(sent_at) FROM sends WHERE campaign <> '' GROUP BY org, campaign
    ON CONFLICT (org, id) DO UPDATE SET last_sent_at = excluded.last_sent_at;
CREATE INDEX campaigns_recent ON campaigns (org, last_sent_at, id);

CREATE INDEX sends_address ON sends (org, address);
CREATE INDEX sends_ended ON sends (track_until) WHERE track_until IS NOT NULL AND body <> '{}';
CREATE INDEX events_received ON events (org, received_at);
CREATE INDEX events_type ON events (org, type, seq);
CREATE INDEX removals_old ON removals (removed_at);

ALTER TABLE refresh_tokens ADD COLUMN made_at BIGINT NOT NULL DEFAULT 0;
DROP INDEX deliveries_due;
