-- What was written into a CRM, and what that cost: as it was for Salesforce, and now for others as well. The endpoint itself is a row of webhooks
-- whose id is the CRM's name.

CREATE TABLE crm_records (
    org                  TEXT NOT NULL,
    crm                  TEXT NOT NULL,
    event_id             TEXT NOT NULL,
    record               TEXT NOT NULL,
    PRIMARY KEY (org, crm, event_id)
);
INSERT INTO crm_records (org, crm, event_id, record) SELECT org, 'salesforce', event_id, record FROM salesforce_records;
DROP TABLE salesforce_records;
CREATE INDEX crm_records_event ON crm_records (org, event_id);

CREATE TABLE crm_usage (
    org                  TEXT NOT NULL,
    crm                  TEXT NOT NULL,
    day                  TEXT NOT NULL,
    requests             BIGINT NOT NULL,
    PRIMARY KEY (org, crm, day)
);
INSERT INTO crm_usage (org, crm, day, requests) SELECT org, 'salesforce', day, requests FROM salesforce_usage;
DROP TABLE salesforce_usage;
