-- Where events are pushed to (Standard Webhooks), and what is still to be pushed.

CREATE TABLE webhooks (
    org                  TEXT NOT NULL REFERENCES organisations (id),
    id                   TEXT NOT NULL,
    url                  TEXT NOT NULL,
    -- As it is: signatures are made with it. The one before signs too until its time is over.
    secret               TEXT NOT NULL,
    old_secret           TEXT,
    old_secret_until     BIGINT,
    created_at           BIGINT NOT NULL,
    disabled_at          BIGINT,
    disabled_because     TEXT,
    -- How often in a row the endpoint was down; nothing is pushed before `hold_until` then, and one at a time after it.
    failures             BIGINT NOT NULL DEFAULT 0,
    hold_until           BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (org, id)
);

-- An event on its way to an endpoint. Gone when it was delivered.
CREATE TABLE deliveries (
    org                  TEXT NOT NULL,
    webhook              TEXT NOT NULL,
    seq                  BIGINT NOT NULL,
    event_id             TEXT NOT NULL,
    send_id              TEXT NOT NULL,
    -- pending or dead.
    state                TEXT NOT NULL DEFAULT 'pending',
    attempts             BIGINT NOT NULL DEFAULT 0,
    next_at              BIGINT NOT NULL,
    -- Whoever delivers it now, and until when nobody else does.
    lease                TEXT,
    leased_until         BIGINT NOT NULL DEFAULT 0,
    -- What the last attempt met.
    problem              TEXT,
    tried_at             BIGINT,
    PRIMARY KEY (org, webhook, seq)
);
CREATE INDEX deliveries_due ON deliveries (state, next_at);
CREATE INDEX deliveries_next ON deliveries (org, webhook, state, next_at);
CREATE INDEX deliveries_order ON deliveries (org, webhook, send_id, seq);
