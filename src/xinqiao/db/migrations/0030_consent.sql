-- Who may read what about whom. A grant is never changed; its end is a row of its own.
CREATE TABLE consent_grant (
  id uuid PRIMARY KEY,
  company_id text NOT NULL,
  institution uuid NOT NULL,             -- one receiver, never "all banks"
  kind text NOT NULL CHECK (kind IN ('ordinary', 'special')),
  purposes text[] NOT NULL CHECK (cardinality(purposes) > 0),
  data_sets text[] NOT NULL CHECK (cardinality(data_sets) > 0),
  text_id text NOT NULL,
  text_version int NOT NULL,
  given_at timestamptz NOT NULL,
  until timestamptz NOT NULL CHECK (until > given_at),
  person uuid,
  client text,
  document bytea NOT NULL,               -- the canonical bytes that were agreed to
  digest text NOT NULL,
  proof jsonb NOT NULL
);
CREATE INDEX consent_grant_pair ON consent_grant (company_id, institution);
CREATE INDEX consent_grant_institution ON consent_grant (institution, given_at);
ALTER TABLE consent_grant ENABLE ROW LEVEL SECURITY;
CREATE POLICY see ON consent_grant FOR SELECT USING (
  xq_side() = 'system' OR company_id = xq_company() OR institution = xq_institution());
CREATE POLICY give ON consent_grant FOR INSERT WITH CHECK (
  xq_side() = 'system' OR (xq_side() = 'enterprise' AND company_id = xq_company()));
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON consent_grant
  FOR EACH ROW EXECUTE FUNCTION xq_append_only();

CREATE TABLE consent_revocation (
  grant_id uuid PRIMARY KEY REFERENCES consent_grant,
  company_id text NOT NULL,
  institution uuid NOT NULL,
  at timestamptz NOT NULL,
  person uuid,
  client text,
  reason text NOT NULL
);
ALTER TABLE consent_revocation ENABLE ROW LEVEL SECURITY;
CREATE POLICY see ON consent_revocation FOR SELECT USING (
  xq_side() = 'system' OR company_id = xq_company() OR institution = xq_institution());
CREATE POLICY revoke ON consent_revocation FOR INSERT WITH CHECK (
  xq_side() = 'system' OR (xq_side() = 'enterprise' AND company_id = xq_company()));
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON consent_revocation
  FOR EACH ROW EXECUTE FUNCTION xq_append_only();

-- Keys with which outside platforms sign consents that they took on their own pages.
CREATE TABLE consent_handover_key (
  id text PRIMARY KEY,
  institution uuid NOT NULL,
  public_key bytea NOT NULL,             -- Ed25519, 32 bytes
  registered_at timestamptz NOT NULL,
  ended_at timestamptz
);
ALTER TABLE consent_handover_key ENABLE ROW LEVEL SECURITY;
CREATE POLICY see ON consent_handover_key FOR SELECT USING (
  xq_side() = 'system' OR institution = xq_institution());
CREATE POLICY write ON consent_handover_key USING (xq_side() = 'system') WITH CHECK (xq_side() = 'system');

-- Every read: who, when, what, for what. Only added to; the links chain the rows (consent.chain).
CREATE TABLE query_log (
  id uuid PRIMARY KEY,
  at timestamptz NOT NULL,
  company_id text NOT NULL,
  side text NOT NULL,
  institution uuid,
  person uuid,
  client text,
  reader text NOT NULL,                  -- the name of who read
  purpose text NOT NULL,
  grants uuid[] NOT NULL,
  data_sets text[] NOT NULL
);
CREATE INDEX query_log_company ON query_log (company_id, at);
CREATE INDEX query_log_institution ON query_log (institution, at);
CREATE INDEX query_log_at ON query_log (at);
ALTER TABLE query_log ENABLE ROW LEVEL SECURITY;
CREATE POLICY see ON query_log FOR SELECT USING (
  xq_side() = 'system' OR company_id = xq_company() OR institution = xq_institution());
CREATE POLICY note ON query_log FOR INSERT WITH CHECK (xq_side() = 'system');
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON query_log
  FOR EACH ROW EXECUTE FUNCTION xq_append_only();

CREATE TABLE query_link (
  number bigint PRIMARY KEY,
  query uuid NOT NULL UNIQUE,
  hash bytea NOT NULL                    -- of the hash before and the row's canonical bytes
);
ALTER TABLE query_link ENABLE ROW LEVEL SECURITY;
CREATE POLICY platform ON query_link USING (xq_side() = 'system') WITH CHECK (xq_side() = 'system');
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON query_link
  FOR EACH ROW EXECUTE FUNCTION xq_append_only();

CREATE TABLE query_head (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  number bigint NOT NULL,
  hash bytea NOT NULL
);
ALTER TABLE query_head ENABLE ROW LEVEL SECURITY;
CREATE POLICY platform ON query_head USING (xq_side() = 'system') WITH CHECK (xq_side() = 'system');
INSERT INTO query_head (number, hash) VALUES (0, decode(repeat('00', 32), 'hex'));

-- How much an institution has agreed to read, and the block when it reads ten times what it usually does.
CREATE TABLE query_agreement (
  institution uuid PRIMARY KEY,
  reads_per_hour int NOT NULL CHECK (reads_per_hour > 0),
  agreed_at timestamptz NOT NULL,
  agreed_by uuid
);
ALTER TABLE query_agreement ENABLE ROW LEVEL SECURITY;
CREATE POLICY see ON query_agreement FOR SELECT USING (
  xq_side() IN ('system', 'operator') OR institution = xq_institution());
CREATE POLICY write ON query_agreement USING (xq_side() IN ('system', 'operator'))
  WITH CHECK (xq_side() IN ('system', 'operator'));

CREATE TABLE query_block (
  id uuid PRIMARY KEY,
  institution uuid NOT NULL,
  at timestamptz NOT NULL,
  reads_per_hour int NOT NULL,
  usual_per_hour double precision NOT NULL,
  lifted_at timestamptz,
  lifted_by uuid,
  finding text,
  CHECK ((lifted_at IS NULL) = (finding IS NULL))
);
CREATE UNIQUE INDEX query_block_open ON query_block (institution) WHERE lifted_at IS NULL;
ALTER TABLE query_block ENABLE ROW LEVEL SECURITY;
CREATE POLICY see ON query_block USING (xq_side() IN ('system', 'operator'))
  WITH CHECK (xq_side() IN ('system', 'operator'));
CREATE POLICY own ON query_block FOR SELECT USING (institution = xq_institution());

-- Objections: marked as disputed at once, answered within 20 calendar days.
CREATE TABLE objection (
  id uuid PRIMARY KEY,
  company_id text NOT NULL,
  item text NOT NULL,                    -- a data set, an indicator or a record
  statement text NOT NULL,
  raised_at timestamptz NOT NULL,
  raised_by uuid,
  due_on date NOT NULL,
  state text NOT NULL CHECK (state IN ('raised', 'checking', 'corrected', 'cleared', 'recorded', 'withdrawn')),
  disputed boolean NOT NULL,             -- shown with the data
  version int NOT NULL DEFAULT 1,
  CHECK (disputed = (state IN ('raised', 'checking', 'recorded')))
);
CREATE INDEX objection_company ON objection (company_id) WHERE disputed;
CREATE INDEX objection_due ON objection (due_on) WHERE state IN ('raised', 'checking');
ALTER TABLE objection ENABLE ROW LEVEL SECURITY;
-- The operator is who objections are addressed to.
CREATE POLICY see ON objection FOR SELECT USING (
  xq_side() IN ('system', 'operator') OR company_id = xq_company());
CREATE POLICY raise ON objection FOR INSERT WITH CHECK (
  xq_side() = 'system' OR (xq_side() = 'enterprise' AND company_id = xq_company()));
CREATE POLICY work ON objection FOR UPDATE USING (
  xq_side() IN ('system', 'operator') OR company_id = xq_company());
