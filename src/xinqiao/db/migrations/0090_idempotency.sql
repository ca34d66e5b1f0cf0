-- One answer a key: written in the transaction of the work itself.
CREATE TABLE idempotency (
  owner text NOT NULL,
  key text NOT NULL,
  route text NOT NULL,
  request text NOT NULL,
  made_at timestamptz NOT NULL,
  status int,
  headers jsonb,
  answer bytea,
  PRIMARY KEY (owner, key)
);
ALTER TABLE idempotency ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON idempotency USING (xq_side() = 'system' OR owner = coalesce(xq_person()::text, owner));
