-- Certificates the platform issues to who signs, and their keys, sealed with the platform's ring. Read by the platform only.
CREATE TABLE signer (
  id uuid PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('authority', 'company', 'institution')),
  holder text NOT NULL,                  -- whose: company, institution, or the platform; with the person who acts for it
  person text NOT NULL,
  algorithm text NOT NULL CHECK (algorithm IN ('p256', 'ed25519', 'sm2')),
  serial text NOT NULL UNIQUE,
  certificate bytea NOT NULL,            -- X.509, DER
  sealed_key text NOT NULL,
  issued_at timestamptz NOT NULL,
  until timestamptz NOT NULL
);
CREATE INDEX signer_holder ON signer (kind, holder, person, algorithm, until);
ALTER TABLE signer ENABLE ROW LEVEL SECURITY;
CREATE POLICY platform ON signer USING (xq_side() = 'system') WITH CHECK (xq_side() = 'system');

-- The contract of an accepted offer as drawn up, with the sheet of its all-in cost; never changed. Who signs adds a copy.
CREATE TABLE contract (
  id uuid PRIMARY KEY,
  case_id uuid NOT NULL UNIQUE REFERENCES lending_case,
  company_id text NOT NULL,
  institution_id uuid NOT NULL,
  number text NOT NULL UNIQUE,
  algorithm text NOT NULL CHECK (algorithm IN ('p256', 'ed25519', 'sm2')),
  template text NOT NULL,                -- digest of the template's text
  content jsonb NOT NULL,                -- what was filled in
  sheet bytea NOT NULL,                  -- the all-in cost sheet, PDF
  sheet_digest text NOT NULL,
  body bytea NOT NULL,                   -- the contract, PDF
  digest text NOT NULL,
  read_seconds int NOT NULL CHECK (read_seconds >= 0),  -- between showing the sheet and signing it
  two_people boolean NOT NULL,           -- the institution signs with a second person
  drawn_at timestamptz NOT NULL,
  drawn_by text NOT NULL,
  evidence_id uuid NOT NULL
);
CREATE INDEX contract_company ON contract (company_id);
CREATE INDEX contract_institution ON contract (institution_id);
ALTER TABLE contract ENABLE ROW LEVEL SECURITY;
CREATE POLICY see ON contract FOR SELECT USING (
  xq_side() = 'system' OR (xq_side() = 'enterprise' AND company_id = xq_company())
  OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution()));
CREATE POLICY draw ON contract FOR INSERT WITH CHECK (xq_side() = 'system');
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON contract FOR EACH ROW EXECUTE FUNCTION xq_append_only();

-- When a person was first shown the sheet of the cost.
CREATE TABLE sheet_shown (
  contract_id uuid NOT NULL REFERENCES contract,
  company_id text NOT NULL,
  institution_id uuid NOT NULL,
  person_id uuid NOT NULL,
  at timestamptz NOT NULL,
  PRIMARY KEY (contract_id, person_id)
);
ALTER TABLE sheet_shown ENABLE ROW LEVEL SECURITY;
CREATE POLICY see ON sheet_shown FOR SELECT USING (
  xq_side() = 'system' OR (xq_side() = 'enterprise' AND company_id = xq_company())
  OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution()));
CREATE POLICY note ON sheet_shown FOR INSERT WITH CHECK (xq_side() = 'system');
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON sheet_shown FOR EACH ROW EXECUTE FUNCTION xq_append_only();

-- A signature and the document as it is with it.
CREATE TABLE contract_signature (
  contract_id uuid NOT NULL REFERENCES contract,
  case_id uuid NOT NULL REFERENCES lending_case,
  company_id text NOT NULL,
  institution_id uuid NOT NULL,
  document text NOT NULL CHECK (document IN ('sheet', 'contract')),
  party text NOT NULL CHECK (party IN ('company', 'institution')),
  person_id uuid NOT NULL,
  name text NOT NULL,
  proposed_by uuid,                      -- who asked for the institution's signature, where it takes two people
  proposed_name text,
  at timestamptz NOT NULL,
  serial text NOT NULL,                  -- of the certificate
  pdf bytea NOT NULL,
  digest text NOT NULL,
  evidence_id uuid NOT NULL,
  PRIMARY KEY (contract_id, document, party),
  CONSTRAINT four_eyes CHECK (proposed_by <> person_id),
  CONSTRAINT sheet_is_the_companys CHECK (document = 'contract' OR party = 'company')
);
CREATE INDEX contract_signature_case ON contract_signature (case_id);
ALTER TABLE contract_signature ENABLE ROW LEVEL SECURITY;
CREATE POLICY see ON contract_signature FOR SELECT USING (
  xq_side() = 'system' OR (xq_side() = 'enterprise' AND company_id = xq_company())
  OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution()));
CREATE POLICY sign ON contract_signature FOR INSERT WITH CHECK (xq_side() = 'system');
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON contract_signature
  FOR EACH ROW EXECUTE FUNCTION xq_append_only();

-- First the sheet, read long enough; then the contract, the company before the institution.
CREATE FUNCTION xq_signs_in_order() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE c contract;
BEGIN
  SELECT * INTO c FROM contract WHERE id = NEW.contract_id;
  IF (c.case_id, c.company_id, c.institution_id) IS DISTINCT FROM (NEW.case_id, NEW.company_id, NEW.institution_id) THEN
    RAISE EXCEPTION 'a signature is of its contract' USING ERRCODE = 'XQ002';
  END IF;
  IF NEW.document = 'sheet' AND NOT EXISTS (
    SELECT 1 FROM sheet_shown AS s WHERE s.contract_id = c.id AND s.person_id = NEW.person_id
      AND s.at + make_interval(secs => c.read_seconds) <= NEW.at) THEN
    RAISE EXCEPTION 'the sheet was not read' USING ERRCODE = 'XQ002';
  END IF;
  IF NEW.document = 'contract' AND NEW.party = 'company' AND NOT EXISTS (
    SELECT 1 FROM contract_signature AS s WHERE s.contract_id = c.id AND s.document = 'sheet') THEN
    RAISE EXCEPTION 'the sheet is signed before the contract' USING ERRCODE = 'XQ002';
  END IF;
  IF NEW.party = 'institution' AND (NOT EXISTS (
      SELECT 1 FROM contract_signature AS s
      WHERE s.contract_id = c.id AND s.document = 'contract' AND s.party = 'company')
    OR (c.two_people AND NEW.proposed_by IS NULL)) THEN
    RAISE EXCEPTION 'the company signs first, and the institution with as many people as it takes'
      USING ERRCODE = 'XQ002';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER in_order BEFORE INSERT ON contract_signature FOR EACH ROW EXECUTE FUNCTION xq_signs_in_order();

-- A case is contracted, signed, active and closed when the contract, the signatures and the facility are there.
CREATE FUNCTION xq_case_is_signed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state = OLD.state THEN
    RETURN NEW;
  END IF;
  IF (NEW.state = 'contracted' AND NOT EXISTS (SELECT 1 FROM contract AS c WHERE c.case_id = NEW.id))
    OR (NEW.state = 'half_signed' AND NOT EXISTS (
      SELECT 1 FROM contract_signature AS s
      WHERE s.case_id = NEW.id AND s.document = 'contract' AND s.party = 'company'))
    OR (NEW.state = 'signed' AND NOT EXISTS (
      SELECT 1 FROM contract_signature AS s
      WHERE s.case_id = NEW.id AND s.document = 'contract' AND s.party = 'institution'))
    OR (NEW.state = 'active' AND NOT EXISTS (SELECT 1 FROM facility AS f WHERE f.case_id = NEW.id))
    OR (NEW.state = 'closed' AND NOT EXISTS (
      SELECT 1 FROM facility AS f WHERE f.case_id = NEW.id AND f.state = 'closed')) THEN
    RAISE EXCEPTION 'what makes a case % is not there', NEW.state USING ERRCODE = 'XQ002';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER is_signed BEFORE UPDATE ON lending_case FOR EACH ROW EXECUTE FUNCTION xq_case_is_signed();

-- Where an application goes next when an institution misses its deadline, as the company agreed beforehand.
CREATE TABLE case_next (
  case_id uuid NOT NULL REFERENCES lending_case,
  n int NOT NULL CHECK (n BETWEEN 1 AND 5),
  company_id text NOT NULL,
  institution_id uuid NOT NULL,
  product_id text NOT NULL,
  grant_id uuid NOT NULL,                -- to that institution, given beforehand
  answers jsonb NOT NULL,
  agreed_by uuid NOT NULL,
  agreed_at timestamptz NOT NULL,
  led_to uuid REFERENCES lending_case,
  PRIMARY KEY (case_id, n)
);
ALTER TABLE case_next ENABLE ROW LEVEL SECURITY;
CREATE POLICY company ON case_next
  USING (xq_side() = 'enterprise' AND company_id = xq_company())
  WITH CHECK (xq_side() = 'enterprise' AND company_id = xq_company());
CREATE POLICY platform ON case_next USING (xq_side() = 'system') WITH CHECK (xq_side() = 'system');

-- What a person checked before judging (尽职清单), with the judgement it belongs to.
CREATE TABLE duty_check (
  id uuid PRIMARY KEY,
  case_id uuid NOT NULL REFERENCES lending_case,
  institution_id uuid NOT NULL,
  proposal_id uuid REFERENCES case_proposal,
  item text NOT NULL,
  answer text NOT NULL CHECK (answer IN ('done', 'not_applicable', 'not_done')),
  note text NOT NULL,
  by_who text NOT NULL,
  by_name text NOT NULL,
  at timestamptz NOT NULL
);
CREATE INDEX duty_check_case ON duty_check (case_id);
ALTER TABLE duty_check ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON duty_check
  USING (xq_side() = 'system' OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution()))
  WITH CHECK (xq_side() = 'system' OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution()));
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON duty_check FOR EACH ROW EXECUTE FUNCTION xq_append_only();
REVOKE DELETE, TRUNCATE ON signer, contract, sheet_shown, contract_signature, case_next, duty_check FROM xinqiao_app;
