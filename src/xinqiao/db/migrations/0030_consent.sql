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
  suite text NOT NULL,
  public_key bytea NOT NULL,
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

CREATE TABLE objection_event (
  id uuid PRIMARY KEY,
  objection_id uuid NOT NULL REFERENCES objection,
  company_id text NOT NULL,
  at timestamptz NOT NULL,
  state text NOT NULL,
  person uuid,
  words text NOT NULL
);
CREATE INDEX objection_event_of ON objection_event (objection_id, at);
ALTER TABLE objection_event ENABLE ROW LEVEL SECURITY;
CREATE POLICY see ON objection_event FOR SELECT USING (
  xq_side() IN ('system', 'operator') OR company_id = xq_company());
CREATE POLICY add ON objection_event FOR INSERT WITH CHECK (
  xq_side() IN ('system', 'operator') OR company_id = xq_company());
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON objection_event
  FOR EACH ROW EXECUTE FUNCTION xq_append_only();

-- Complaints, and what people ask about data on them: to see, copy, correct, delete, explain.
CREATE TABLE subject_request (
  id uuid PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('complaint', 'access', 'copy', 'correct', 'delete', 'explain')),
  company_id text NOT NULL,
  person uuid,
  institution uuid,                      -- whom a complaint is about, if anybody
  statement text NOT NULL,
  raised_at timestamptz NOT NULL,
  due_on date NOT NULL,
  answer text,
  answered_at timestamptz,
  answered_by uuid,
  CHECK (num_nonnulls(answer, answered_at) IN (0, 2))
);
CREATE INDEX subject_request_due ON subject_request (due_on) WHERE answered_at IS NULL;
ALTER TABLE subject_request ENABLE ROW LEVEL SECURITY;
CREATE POLICY see ON subject_request FOR SELECT USING (
  xq_side() IN ('system', 'operator') OR company_id = xq_company());
CREATE POLICY raise ON subject_request FOR INSERT WITH CHECK (
  xq_side() = 'system' OR (xq_side() = 'enterprise' AND company_id = xq_company()));
CREATE POLICY answer ON subject_request FOR UPDATE USING (xq_side() IN ('system', 'operator'));

-- What was asked for beyond what the product declares, and therefore left out.
CREATE TABLE trimmed_request (
  id uuid PRIMARY KEY,
  at timestamptz NOT NULL,
  company_id text NOT NULL,
  institution uuid NOT NULL,
  left_out text[] NOT NULL
);
ALTER TABLE trimmed_request ENABLE ROW LEVEL SECURITY;
CREATE POLICY see ON trimmed_request FOR SELECT USING (
  xq_side() IN ('system', 'operator') OR company_id = xq_company() OR institution = xq_institution());
CREATE POLICY add ON trimmed_request FOR INSERT WITH CHECK (true);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON trimmed_request
  FOR EACH ROW EXECUTE FUNCTION xq_append_only();

-- Personal items (the owner's): only under a grant that names them, sealed, with a day they end.
CREATE TABLE personal_item (
  id uuid PRIMARY KEY,
  company_id text NOT NULL,
  item text NOT NULL,
  sealed text NOT NULL,
  grant_id uuid NOT NULL REFERENCES consent_grant,
  received_at timestamptz NOT NULL,
  until timestamptz NOT NULL
);
ALTER TABLE personal_item ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON personal_item USING (xq_side() = 'system' OR company_id = xq_company())
  WITH CHECK (xq_side() = 'system' OR company_id = xq_company());
CREATE FUNCTION xq_personal_item() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF NOT EXISTS (SELECT FROM consent_grant g WHERE g.id = NEW.grant_id AND g.company_id = NEW.company_id
      AND NEW.item = ANY(g.data_sets) AND NEW.received_at >= g.given_at AND NEW.until <= g.until
      AND NOT EXISTS (SELECT FROM consent_revocation r WHERE r.grant_id = g.id)) THEN
    RAISE EXCEPTION 'a personal item needs a grant that names it' USING ERRCODE = 'XQ003';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER granted BEFORE INSERT OR UPDATE ON personal_item
  FOR EACH ROW EXECUTE FUNCTION xq_personal_item();

-- The person is told before negative information on them is provided.
CREATE TABLE negative_notice (
  id uuid PRIMARY KEY,
  subject text NOT NULL,                 -- keyed hash of the person
  channel text NOT NULL CHECK (channel IN ('letter', 'sms', 'email', 'in_app', 'hand')),
  content_digest text NOT NULL,
  sent_at timestamptz NOT NULL,
  institution uuid NOT NULL
);
ALTER TABLE negative_notice ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON negative_notice USING (xq_side() = 'system' OR institution = xq_institution())
  WITH CHECK (xq_side() = 'system' OR institution = xq_institution());
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON negative_notice
  FOR EACH ROW EXECUTE FUNCTION xq_append_only();

CREATE TABLE personal_negative (
  id uuid PRIMARY KEY,
  company_id text NOT NULL,
  subject text NOT NULL,
  kind text NOT NULL,
  began_on date NOT NULL,
  ended_on date,                         -- null: goes on, so no term runs
  repaired_on date,
  statement text,                        -- the person's own words, shown with it
  notice_id uuid NOT NULL REFERENCES negative_notice,
  institution uuid NOT NULL,
  recorded_at timestamptz NOT NULL
);
CREATE INDEX personal_negative_company ON personal_negative (company_id);
ALTER TABLE personal_negative ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON personal_negative USING (
    xq_side() = 'system' OR institution = xq_institution() OR company_id = xq_company())
  WITH CHECK (xq_side() = 'system' OR institution = xq_institution());
CREATE FUNCTION xq_personal_negative() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF NOT EXISTS (SELECT FROM negative_notice n WHERE n.id = NEW.notice_id AND n.subject = NEW.subject
      AND n.sent_at <= NEW.recorded_at) THEN
    RAISE EXCEPTION 'the person has to be told first' USING ERRCODE = 'XQ004';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER told_first BEFORE INSERT OR UPDATE ON personal_negative
  FOR EACH ROW EXECUTE FUNCTION xq_personal_negative();

-- Impact assessments, breaches, audits, officers: what a supervisor asks to see.
CREATE TABLE compliance_record (
  id uuid PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('impact_assessment', 'breach', 'audit', 'officer', 'filing')),
  title text NOT NULL,
  body jsonb NOT NULL,
  made_at timestamptz NOT NULL,
  made_by uuid,
  keep_until date NOT NULL
);
ALTER TABLE compliance_record ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON compliance_record USING (xq_side() IN ('system', 'operator'))
  WITH CHECK (xq_side() IN ('system', 'operator'));
CREATE FUNCTION xq_compliance_record() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF TG_OP = 'UPDATE' OR xq_side() <> 'system' THEN
    RAISE EXCEPTION 'append-only: compliance_record' USING ERRCODE = 'XQ001';
  END IF;
  RETURN OLD;
END $$;
CREATE TRIGGER kept BEFORE UPDATE OR DELETE ON compliance_record
  FOR EACH ROW EXECUTE FUNCTION xq_compliance_record();

-- Agreements with data holders: without one in force nothing is taken in.
CREATE TABLE supply_agreement (
  id uuid PRIMARY KEY,
  institution uuid NOT NULL,
  sources text[] NOT NULL CHECK (cardinality(sources) > 0),
  duties text NOT NULL,
  begins_on date NOT NULL,
  ends_on date NOT NULL CHECK (ends_on >= begins_on),
  digest text NOT NULL,
  recorded_at timestamptz NOT NULL
);
CREATE INDEX supply_agreement_institution ON supply_agreement (institution);
ALTER TABLE supply_agreement ENABLE ROW LEVEL SECURITY;
CREATE POLICY see ON supply_agreement FOR SELECT USING (
  xq_side() IN ('system', 'operator') OR institution = xq_institution());
CREATE POLICY add ON supply_agreement FOR INSERT WITH CHECK (xq_side() IN ('system', 'operator'));

-- As what the platform is deployed: it decides whether scores may be given to others at all.
CREATE TABLE deployment (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  role text NOT NULL CHECK (role IN ('public_platform', 'credit_reporting', 'bank')),
  region text NOT NULL CHECK (region = 'CN'),
  partner text,
  changed_at timestamptz NOT NULL
);
ALTER TABLE deployment ENABLE ROW LEVEL SECURITY;
CREATE POLICY look ON deployment FOR SELECT USING (true);
CREATE POLICY write ON deployment USING (xq_side() = 'system') WITH CHECK (xq_side() = 'system');
