-- A bank's own policies, data, card, batches and outcomes: rows of one institution, seen by nobody else.
-- Side 'system' is the platform's own work (jobs, the automatic decision).

CREATE TABLE bank_policy_version (
  id uuid PRIMARY KEY,
  institution uuid NOT NULL,
  policy text NOT NULL,
  number int NOT NULL CHECK (number > 0),
  text text NOT NULL,
  note text NOT NULL DEFAULT '',
  revision int NOT NULL DEFAULT 1,
  frozen boolean NOT NULL DEFAULT false,
  made_by text NOT NULL,
  made_at timestamptz NOT NULL,
  changed_at timestamptz NOT NULL,
  UNIQUE (institution, policy, number)
);
-- What was once proposed for release is what a decision was made by: its text stays.
CREATE FUNCTION bank_policy_version_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.frozen AND (TG_OP = 'DELETE' OR NEW IS DISTINCT FROM OLD) THEN
    RAISE EXCEPTION 'append-only: %', TG_TABLE_NAME USING ERRCODE = 'XQ001';
  END IF;
  IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON bank_policy_version
  FOR EACH ROW EXECUTE FUNCTION bank_policy_version_stays();

CREATE TABLE bank_release (
  id uuid PRIMARY KEY,
  institution uuid NOT NULL,
  policy text NOT NULL,
  mode text NOT NULL CHECK (mode IN ('sole', 'live', 'shadow')),
  champion uuid NOT NULL REFERENCES bank_policy_version,
  challenger uuid REFERENCES bank_policy_version,
  share numeric(5,4) CHECK (share > 0 AND share <= 1),
  salt text NOT NULL,
  note text NOT NULL DEFAULT '',
  proposed_by uuid NOT NULL,
  proposed_name text NOT NULL,
  proposed_at timestamptz NOT NULL,
  decided_by uuid CHECK (decided_by <> proposed_by),
  decided_name text,
  decided_at timestamptz,
  released boolean,
  CHECK ((mode = 'sole') = (challenger IS NULL)),
  CHECK (mode <> 'live' OR share IS NOT NULL),
  CHECK (num_nulls(decided_by, decided_at, released) IN (0, 3))
);
CREATE INDEX bank_release_of ON bank_release (institution, policy, decided_at DESC);
-- One proposal a policy waits at a time, and what was decided stays.
CREATE UNIQUE INDEX bank_release_waiting ON bank_release (institution, policy) WHERE decided_by IS NULL;
CREATE FUNCTION bank_release_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.decided_by IS NOT NULL OR (NEW.policy, NEW.mode, NEW.champion, NEW.challenger, NEW.share, NEW.salt, NEW.proposed_by)
      IS DISTINCT FROM (OLD.policy, OLD.mode, OLD.champion, OLD.challenger, OLD.share, OLD.salt, OLD.proposed_by) THEN
    RAISE EXCEPTION 'append-only: %', TG_TABLE_NAME USING ERRCODE = 'XQ001';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER stays BEFORE UPDATE ON bank_release FOR EACH ROW EXECUTE FUNCTION bank_release_stays();
CREATE TRIGGER kept BEFORE DELETE ON bank_release FOR EACH ROW EXECUTE FUNCTION xq_append_only();

-- The bank's own facts of its customers: one table of columns a bank, replaced whole by an upload.
CREATE TABLE bank_data (
  id uuid PRIMARY KEY,
  institution uuid NOT NULL,
  file_name text NOT NULL,
  columns json NOT NULL,
  rows int NOT NULL,
  made_by text NOT NULL,
  made_at timestamptz NOT NULL,
  in_use boolean NOT NULL DEFAULT true
);
CREATE UNIQUE INDEX bank_data_in_use ON bank_data (institution) WHERE in_use;
CREATE TABLE bank_data_row (
  data uuid NOT NULL REFERENCES bank_data ON DELETE CASCADE,
  institution uuid NOT NULL,
  company_id text NOT NULL,
  facts jsonb NOT NULL,
  PRIMARY KEY (data, company_id)
);

-- The bank's own card: its points go on top of the platform's.
CREATE TABLE bank_card (
  id uuid PRIMARY KEY,
  institution uuid NOT NULL,
  file_name text NOT NULL,
  body text NOT NULL,
  made_by uuid NOT NULL,
  made_name text NOT NULL,
  made_at timestamptz NOT NULL,
  decided_by uuid CHECK (decided_by <> made_by),
  decided_name text,
  decided_at timestamptz,
  in_use boolean NOT NULL DEFAULT false,
  CHECK (NOT in_use OR decided_by IS NOT NULL)
);
CREATE UNIQUE INDEX bank_card_in_use ON bank_card (institution) WHERE in_use;

-- Lists for pre-approval in batch.
CREATE TABLE bank_batch (
  id uuid PRIMARY KEY,
  institution uuid NOT NULL,
  name text NOT NULL,
  policy text NOT NULL,
  rows int NOT NULL,
  done int NOT NULL DEFAULT 0 CHECK (done <= rows),
  side text NOT NULL,
  person uuid NOT NULL,
  person_name text NOT NULL,
  made_at timestamptz NOT NULL,
  ended_at timestamptz
);
CREATE TABLE bank_batch_row (
  batch uuid NOT NULL REFERENCES bank_batch,
  institution uuid NOT NULL,
  line int NOT NULL,
  company_id text NOT NULL,
  amount_cny numeric(18,2),
  state text NOT NULL DEFAULT 'waiting'
    CHECK (state IN ('waiting', 'decided', 'no_grant', 'no_file', 'not_covered', 'invalid')),
  outcome text CHECK (outcome IN ('approve', 'refer', 'reject')),
  limit_cny numeric(18,2),
  rate numeric(9,6),
  grade text,
  reasons text,
  arm text,
  grant_id uuid,
  query_id uuid,
  decided_at timestamptz,
  PRIMARY KEY (batch, line)
);
CREATE INDEX bank_batch_row_waiting ON bank_batch_row (batch, line) WHERE state = 'waiting';

-- What became of a loan: told by the bank, corrected by a later row, never changed. Labels of training come from here.
CREATE TABLE bank_outcome (
  id uuid PRIMARY KEY,
  institution uuid NOT NULL,
  company_id text NOT NULL,
  loan text NOT NULL,
  granted_on date NOT NULL,
  seen_on date NOT NULL CHECK (seen_on >= granted_on),
  kind text NOT NULL CHECK (kind IN ('performing', 'overdue', 'default', 'repaid', 'written_off')),
  days_overdue int NOT NULL DEFAULT 0 CHECK (days_overdue >= 0),
  balance_cny numeric(18,2) CHECK (balance_cny >= 0),
  reported_by text NOT NULL,
  reported_at timestamptz NOT NULL,
  UNIQUE (institution, loan, seen_on, reported_at)
);
CREATE INDEX bank_outcome_of ON bank_outcome (institution, company_id);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON bank_outcome FOR EACH ROW EXECUTE FUNCTION xq_append_only();

DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['bank_policy_version', 'bank_release', 'bank_data', 'bank_data_row', 'bank_card',
                              'bank_batch', 'bank_batch_row', 'bank_outcome'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY own ON %I USING (xq_side() = ''system'' OR '
      '(xq_side() IN (''bank'', ''guarantee'') AND institution = xq_institution())) '
      'WITH CHECK (xq_side() = ''system'' OR '
      '(xq_side() IN (''bank'', ''guarantee'') AND institution = xq_institution()))', name);
  END LOOP;
END $$;
