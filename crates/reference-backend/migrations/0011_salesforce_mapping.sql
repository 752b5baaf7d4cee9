-- What an administrator maps onto what in Salesforce (JSON), where it is not as the server's settings say.
CREATE TABLE salesforce_mappings (
    org                  TEXT NOT NULL PRIMARY KEY,
    mapping              TEXT NOT NULL,
    changed_at           BIGINT NOT NULL
);
