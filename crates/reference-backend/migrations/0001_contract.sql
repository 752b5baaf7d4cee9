-- One schema for SQLite and PostgreSQL: TEXT and BIGINT only. Times are microseconds since 1970, in UTC.

CREATE TABLE organisations (
    id                   TEXT PRIMARY KEY,
    -- The last number given to an event. Its row is locked by whoever writes events, so that numbers become visible in order.
    event_seq            BIGINT NOT NULL DEFAULT 0,
    policy               TEXT NOT NULL DEFAULT '{"pins":{}}',
    created_at           BIGINT NOT NULL
);

CREATE TABLE tokens (
    -- SHA-256 of the token, in hex: the token itself is not kept.
    hash                 TEXT PRIMARY KEY,
    org                  TEXT NOT NULL REFERENCES organisations (id),
    -- Null for the platform behind.
    rep                  TEXT,
    created_at           BIGINT NOT NULL,
    expires_at           BIGINT,
    revoked_at           BIGINT
);

CREATE TABLE reps (
    org                  TEXT NOT NULL REFERENCES organisations (id),
    address              TEXT NOT NULL,
    -- Random: a cursor of another database's feed is told from one of this.
    epoch                TEXT NOT NULL,
    -- The last number given to a change of the feed, and the last that may have been forgotten.
    feed_seq             BIGINT NOT NULL DEFAULT 0,
    feed_floor           BIGINT NOT NULL DEFAULT 0,
    changed_at           BIGINT NOT NULL,
    PRIMARY KEY (org, address)
);
CREATE INDEX reps_changed ON reps (changed_at);

CREATE TABLE sends (
    org                  TEXT NOT NULL REFERENCES organisations (id),
    id                   TEXT NOT NULL,
    rep                  TEXT NOT NULL,
    seq                  BIGINT NOT NULL,
    -- The campaign and the prospect; a send without both is alone: '' and its own id.
    campaign             TEXT NOT NULL,
    prospect             TEXT NOT NULL,
    -- The prospect's address, in lower case.
    address              TEXT,
    -- The account id of the address that it was sent from.
    account              TEXT NOT NULL,
    sent_at              BIGINT NOT NULL,
    track_until          BIGINT,
    removed              BIGINT NOT NULL DEFAULT 0,
    body                 TEXT NOT NULL,
    PRIMARY KEY (org, id)
);
CREATE INDEX sends_feed ON sends (org, rep, seq);
CREATE INDEX sends_enrolment ON sends (org, campaign, prospect, sent_at);

CREATE TABLE removals (
    org                  TEXT NOT NULL,
    rep                  TEXT NOT NULL,
    seq                  BIGINT NOT NULL,
    send_id              TEXT NOT NULL,
    removed_at           BIGINT NOT NULL,
    PRIMARY KEY (org, rep, seq)
);

CREATE TABLE events (
    org                  TEXT NOT NULL REFERENCES organisations (id),
    -- Kept for ever, so that an event counts once for ever.
    id                   TEXT NOT NULL,
    seq                  BIGINT NOT NULL,
    rep                  TEXT NOT NULL,
    type                 TEXT NOT NULL,
    send_id              TEXT NOT NULL,
    campaign             TEXT NOT NULL,
    prospect             TEXT NOT NULL,
    received_at          BIGINT NOT NULL,
    -- Of stops and suppressions.
    reason               TEXT,
    -- Of pauses.
    until                BIGINT,
    -- Of suppressions.
    address              TEXT,
    retracted            BIGINT NOT NULL DEFAULT 0,
    -- The event as it came; null once it was erased.
    body                 TEXT,
    PRIMARY KEY (org, id)
);
CREATE UNIQUE INDEX events_feed ON events (org, seq);
CREATE INDEX events_enrolment ON events (org, campaign, prospect, type, seq);
CREATE INDEX events_suppression ON events (org, address) WHERE address IS NOT NULL;

-- Retractions that came before the event that they take back.
CREATE TABLE early_retractions (
    org                  TEXT NOT NULL,
    rep                  TEXT NOT NULL,
    event_id             TEXT NOT NULL,
    PRIMARY KEY (org, rep, event_id)
);

-- A prospect in a campaign.
CREATE TABLE enrolments (
    org                  TEXT NOT NULL,
    campaign             TEXT NOT NULL,
    prospect             TEXT NOT NULL,
    state                TEXT NOT NULL DEFAULT 'active',
    reason               TEXT,
    until                BIGINT,
    -- Since when the next step has been held.
    hold_since           BIGINT,
    PRIMARY KEY (org, campaign, prospect)
);

CREATE TABLE campaigns (
    org                  TEXT NOT NULL,
    id                   TEXT NOT NULL,
    grace_seconds        BIGINT,
    longest_hold_seconds BIGINT,
    finished             BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (org, id)
);

CREATE TABLE coverage (
    org                  TEXT NOT NULL,
    rep                  TEXT NOT NULL,
    account              TEXT NOT NULL,
    address              TEXT NOT NULL,
    checked_up_to        BIGINT NOT NULL,
    folders              BIGINT NOT NULL,
    received_at          BIGINT NOT NULL,
    PRIMARY KEY (org, rep, account)
);
