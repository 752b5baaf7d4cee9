-- Laptops that were paired by the device flow (RFC 8628), and their tokens.

CREATE TABLE laptops (
    org                  TEXT NOT NULL REFERENCES organisations (id),
    id                   TEXT NOT NULL,
    rep                  TEXT NOT NULL,
    -- What the laptop calls itself.
    name                 TEXT NOT NULL,
    paired_at            BIGINT NOT NULL,
    revoked_at           BIGINT,
    PRIMARY KEY (org, id)
);

CREATE TABLE pairings (
    -- SHA-256 of the device code, in hex.
    device_hash          TEXT PRIMARY KEY,
    user_code            TEXT NOT NULL UNIQUE,
    name                 TEXT NOT NULL,
    expires_at           BIGINT NOT NULL,
    polled_at            BIGINT,
    -- pending, approved or denied; an approved one is gone when its tokens were fetched.
    state                TEXT NOT NULL DEFAULT 'pending',
    org                  TEXT,
    rep                  TEXT
);

CREATE TABLE refresh_tokens (
    hash                 TEXT PRIMARY KEY,
    org                  TEXT NOT NULL,
    laptop               TEXT NOT NULL,
    -- What it was exchanged for: the hashes of the next refresh token and of the access token.
    next_refresh         TEXT,
    next_access          TEXT
);

-- Of a paired laptop; null for a token that an administrator made.
ALTER TABLE tokens ADD COLUMN laptop TEXT;
-- When it was first shown.
ALTER TABLE tokens ADD COLUMN used_at BIGINT;
