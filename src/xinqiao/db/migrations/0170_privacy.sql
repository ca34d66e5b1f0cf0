-- Privacy computing. A party's node: who it is, whom it knows, what its rules allow; told by the node when it starts, for the pages.
CREATE TABLE privacy_node (
  institution_id uuid PRIMARY KEY,
  name text NOT NULL,
  certificate text NOT NULL,
  signing_key text NOT NULL,
  policy jsonb NOT NULL,
  seen_at timestamptz NOT NULL
);

-- A job as this party has it: the manifest that all sign (canonical JSON), and how far it is.
CREATE TABLE privacy_job (
  institution_id uuid NOT NULL,
  id uuid NOT NULL,
  manifest text NOT NULL,
  digest text NOT NULL,
  kind text NOT NULL,
  purpose text NOT NULL,
  made_by text NOT NULL,
  state text NOT NULL CHECK (state IN ('proposed', 'waiting', 'approved', 'signed', 'ready', 'running', 'done', 'failed', 'refused', 'expired')),
  rule text NOT NULL DEFAULT '',         -- of this party, that allows it
  attempts int NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  again boolean NOT NULL DEFAULT false,   -- somebody here asked to try a failed job once more
  progress float8 NOT NULL DEFAULT 0 CHECK (progress BETWEEN 0 AND 1),
  error text NOT NULL DEFAULT '',        -- code, and where
  error_where text NOT NULL DEFAULT '',
  proposed_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  ended_at timestamptz,
  PRIMARY KEY (institution_id, id)
);
CREATE INDEX privacy_job_open ON privacy_job (institution_id, state) WHERE state NOT IN ('done', 'refused', 'expired');
CREATE INDEX privacy_job_latest ON privacy_job (institution_id, proposed_at);

-- What happened to a job, and by whom.
CREATE TABLE privacy_event (
  id uuid PRIMARY KEY,
  institution_id uuid NOT NULL,
  job_id uuid NOT NULL,
  state text NOT NULL,
  by_name text NOT NULL,
  words text NOT NULL DEFAULT '',
  at timestamptz NOT NULL
);
CREATE INDEX privacy_event_job ON privacy_event (institution_id, job_id, at);

-- The parties' signatures under the manifest, and later under what each says came of the job.
CREATE TABLE privacy_signature (
  institution_id uuid NOT NULL,
  job_id uuid NOT NULL,
  party text NOT NULL,
  signature bytea NOT NULL,
  at timestamptz NOT NULL,
  PRIMARY KEY (institution_id, job_id, party)
);
CREATE TABLE privacy_receipt (
  institution_id uuid NOT NULL,
  job_id uuid NOT NULL,
  party text NOT NULL,
  body bytea NOT NULL,
  signature bytea NOT NULL,
  at timestamptz NOT NULL,
  PRIMARY KEY (institution_id, job_id, party)
);

-- What this party brought and got: salts that open its commitments, and the result itself (Parquet where there are rows).
CREATE TABLE privacy_input (
  institution_id uuid NOT NULL,
  job_id uuid NOT NULL,
  salt bytea NOT NULL,
  commitment text NOT NULL,
  rows bigint NOT NULL,
  at timestamptz NOT NULL,
  PRIMARY KEY (institution_id, job_id)
);
CREATE TABLE privacy_result (
  institution_id uuid NOT NULL,
  job_id uuid NOT NULL,
  salt bytea NOT NULL,
  commitment text NOT NULL,
  told text NOT NULL,                    -- canonical JSON: the bytes committed to
  delivered bytea,
  evidence_id uuid NOT NULL,
  at timestamptz NOT NULL,
  PRIMARY KEY (institution_id, job_id)
);

-- Grants of subjects as this party keeps them: subjects only as hashes under the node's own key.
CREATE TABLE privacy_consent (
  institution_id uuid NOT NULL,
  subject bytea NOT NULL,
  receiver text NOT NULL,
  purpose text NOT NULL,
  until timestamptz NOT NULL,
  revoked boolean NOT NULL DEFAULT false,
  told_at timestamptz NOT NULL,          -- of the signed list that says so; a later one overrides
  PRIMARY KEY (institution_id, subject, receiver, purpose)
);
CREATE TABLE privacy_consent_list (
  institution_id uuid NOT NULL,
  digest text NOT NULL,
  issuer text NOT NULL,
  made_at timestamptz NOT NULL,
  grants int NOT NULL,
  revoked int NOT NULL,
  imported_at timestamptz NOT NULL,
  PRIMARY KEY (institution_id, digest)
);

-- What has been computed with whom: counted, and compared with later inputs by a sketch that holds no key.
CREATE TABLE privacy_use (
  institution_id uuid NOT NULL,
  job_id uuid NOT NULL,
  peer text NOT NULL,
  source text NOT NULL,
  kind text NOT NULL,
  at timestamptz NOT NULL,
  basis text NOT NULL,                   -- which columns the sketch is of
  rows bigint NOT NULL,
  sketch bytea NOT NULL,
  PRIMARY KEY (institution_id, job_id, peer, basis, at)
);
CREATE INDEX privacy_use_peer ON privacy_use (institution_id, peer, source, at);

DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['privacy_node', 'privacy_job', 'privacy_event', 'privacy_signature', 'privacy_receipt',
                              'privacy_input', 'privacy_result', 'privacy_consent', 'privacy_consent_list', 'privacy_use'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY own ON %I USING (xq_side() = ''system'' OR '
      '(xq_side() IN (''bank'', ''guarantee'', ''holder'', ''operator'', ''regulator'') AND institution_id = xq_institution())) '
      'WITH CHECK (xq_side() = ''system'' OR '
      '(xq_side() IN (''bank'', ''guarantee'', ''holder'', ''operator'', ''regulator'') AND institution_id = xq_institution()))', name);
  END LOOP;
  FOREACH name IN ARRAY ARRAY['privacy_event', 'privacy_signature', 'privacy_receipt', 'privacy_result', 'privacy_consent_list',
                              'privacy_use'] LOOP
    EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION xq_append_only()', name);
  END LOOP;
END $$;
REVOKE DELETE, TRUNCATE ON privacy_job, privacy_event, privacy_signature, privacy_receipt, privacy_input, privacy_result,
  privacy_consent, privacy_consent_list, privacy_use FROM xinqiao_app;
