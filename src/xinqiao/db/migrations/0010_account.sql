-- Institutions: who they are is public, only the platform writes (onboarding is decided by two operators).
CREATE TABLE institution (
  id uuid PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('bank', 'guarantee', 'holder', 'regulator', 'operator')),
  name text NOT NULL,
  name_en text NOT NULL DEFAULT '',
  uscc text NOT NULL UNIQUE,
  filing_number text,
  filing_expires_on date,
  filed_on date,
  changed_on date NOT NULL,
  status text NOT NULL CHECK (status IN ('applied', 'active', 'suspended')),
  applied_at timestamptz NOT NULL,
  version int NOT NULL DEFAULT 1
);
COMMENT ON COLUMN institution.changed_on IS 'last change that has to be filed; filed_on: when it last was';
ALTER TABLE institution ENABLE ROW LEVEL SECURITY;
CREATE POLICY look ON institution FOR SELECT USING (true);
CREATE POLICY write ON institution USING (xq_side() = 'system') WITH CHECK (xq_side() = 'system');

CREATE TABLE person (
  id uuid PRIMARY KEY,
  name text NOT NULL,
  made_at timestamptz NOT NULL,
  erased_at timestamptz
);

-- What only the person and the platform may know; phone and identity number as keyed hashes, the phone sealed too.
CREATE TABLE credential (
  person_id uuid PRIMARY KEY REFERENCES person,
  phone_hash text NOT NULL UNIQUE,
  phone_sealed text NOT NULL,
  id_hash text,
  password_hash text,
  failures int NOT NULL DEFAULT 0,
  locked_until timestamptz
);
ALTER TABLE credential ENABLE ROW LEVEL SECURITY;
CREATE POLICY platform ON credential USING (xq_side() = 'system') WITH CHECK (xq_side() = 'system');

-- Four-eyes: proposed by one, decided by another, both as themselves; what was decided stays.
CREATE TABLE approval (
  id uuid PRIMARY KEY,
  institution_id uuid NOT NULL REFERENCES institution,
  kind text NOT NULL,
  subject text NOT NULL,
  body jsonb NOT NULL,
  proposed_by uuid NOT NULL REFERENCES person,
  proposed_at timestamptz NOT NULL,
  decided_by uuid REFERENCES person,
  decided_at timestamptz,
  outcome text CHECK (outcome IN ('approved', 'refused')),
  reason text NOT NULL DEFAULT '',
  CHECK (num_nonnulls(decided_by, decided_at, outcome) IN (0, 3)),
  CONSTRAINT four_eyes CHECK (decided_by <> proposed_by)
);
CREATE INDEX approval_open ON approval (institution_id, kind) WHERE outcome IS NULL;
ALTER TABLE approval ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON approval USING (xq_side() = 'system' OR institution_id = xq_institution())
  WITH CHECK (xq_side() = 'system'
    OR institution_id = xq_institution() AND xq_person() = coalesce(decided_by, proposed_by));

CREATE FUNCTION xq_approval() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF TG_OP = 'DELETE' OR OLD.outcome IS NOT NULL
     OR (NEW.id, NEW.institution_id, NEW.kind, NEW.subject, NEW.body, NEW.proposed_by, NEW.proposed_at)
        IS DISTINCT FROM
        (OLD.id, OLD.institution_id, OLD.kind, OLD.subject, OLD.body, OLD.proposed_by, OLD.proposed_at) THEN
    RAISE EXCEPTION 'an approval is decided once and never changed' USING ERRCODE = 'XQ001';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER decided_once BEFORE UPDATE OR DELETE ON approval FOR EACH ROW EXECUTE FUNCTION xq_approval();

-- Who acts for whom: a role at an institution, or for a company.
CREATE TABLE membership (
  id uuid PRIMARY KEY,
  person_id uuid NOT NULL REFERENCES person,
  institution_id uuid REFERENCES institution,
  company_id text,
  role text NOT NULL,
  basis text NOT NULL CHECK (basis IN ('onboarding', 'approval', 'legal_representative', 'authorised')),
  approval_id uuid REFERENCES approval,
  given_by uuid REFERENCES person,
  given_at timestamptz NOT NULL,
  ended_at timestamptz,
  CHECK (num_nonnulls(institution_id, company_id) = 1)
);
CREATE UNIQUE INDEX membership_once ON membership
  (person_id, coalesce(institution_id::text, company_id), role) WHERE ended_at IS NULL;
CREATE INDEX membership_institution ON membership (institution_id) WHERE ended_at IS NULL;
CREATE INDEX membership_company ON membership (company_id) WHERE ended_at IS NULL;
ALTER TABLE membership ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON membership USING (xq_side() = 'system' OR institution_id = xq_institution()
    OR company_id = xq_company() OR person_id = xq_person())
  WITH CHECK (xq_side() = 'system' OR institution_id = xq_institution() OR company_id = xq_company());

-- A role at an institution comes from onboarding (the platform) or from two people of the institution.
-- The approval must be of this very transaction, so an old one can't bring an ended role back.
CREATE FUNCTION xq_membership() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF NEW.institution_id IS NOT NULL AND xq_side() <> 'system' AND NOT EXISTS (
    SELECT FROM approval a WHERE a.id = NEW.approval_id AND a.kind = 'role.grant' AND a.outcome = 'approved'
      AND a.institution_id = NEW.institution_id
      AND a.body ->> 'person' = NEW.person_id::text AND a.body ->> 'role' = NEW.role
      AND a.xmin = pg_current_xact_id()::xid) THEN
    RAISE EXCEPTION 'a role needs the approval of a second person' USING ERRCODE = 'XQ002';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER approved BEFORE INSERT ON membership FOR EACH ROW EXECUTE FUNCTION xq_membership();
CREATE FUNCTION xq_membership_ends() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF TG_OP = 'DELETE' OR OLD.ended_at IS NOT NULL
     OR to_jsonb(NEW) - 'ended_at' IS DISTINCT FROM to_jsonb(OLD) - 'ended_at' THEN
    RAISE EXCEPTION 'a role ends, it does not change' USING ERRCODE = 'XQ001';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER ends BEFORE UPDATE OR DELETE ON membership FOR EACH ROW EXECUTE FUNCTION xq_membership_ends();

ALTER TABLE person ENABLE ROW LEVEL SECURITY;
CREATE POLICY look ON person FOR SELECT USING (xq_side() = 'system' OR id = xq_person() OR EXISTS (
  SELECT FROM membership m WHERE m.person_id = person.id
    AND (m.institution_id = xq_institution() OR m.company_id = xq_company())));
CREATE POLICY write ON person USING (xq_side() = 'system') WITH CHECK (xq_side() = 'system');

-- The register's legal representatives, to compare with the person acting.
CREATE TABLE representative (
  company_id text PRIMARY KEY,
  name text NOT NULL,
  id_hash text NOT NULL
);
ALTER TABLE representative ENABLE ROW LEVEL SECURITY;
CREATE POLICY platform ON representative USING (xq_side() = 'system') WITH CHECK (xq_side() = 'system');

-- Agents who wait for the legal representative's word.
CREATE TABLE agent_request (
  id uuid PRIMARY KEY,
  company_id text NOT NULL,
  person_id uuid NOT NULL REFERENCES person,
  name text NOT NULL,
  asked_at timestamptz NOT NULL,
  until timestamptz NOT NULL,
  decided_by uuid REFERENCES person,
  decided_at timestamptz,
  outcome text CHECK (outcome IN ('confirmed', 'refused')),
  CHECK (num_nonnulls(decided_by, decided_at, outcome) IN (0, 3)),
  CHECK (decided_by <> person_id)
);
CREATE UNIQUE INDEX agent_request_open ON agent_request (company_id, person_id) WHERE outcome IS NULL;
ALTER TABLE agent_request ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON agent_request
  USING (xq_side() = 'system' OR company_id = xq_company() OR person_id = xq_person())
  WITH CHECK (xq_side() = 'system' OR company_id = xq_company() AND xq_person() = decided_by);

-- Signed in: the token is only in the cookie, here is its hash.
CREATE TABLE session (
  id uuid PRIMARY KEY,
  token_hash bytea NOT NULL UNIQUE,
  person_id uuid NOT NULL REFERENCES person,
  institution_id uuid REFERENCES institution,
  company_id text,
  csrf text NOT NULL,
  method text NOT NULL CHECK (method IN ('password', 'code', 'passkey')),
  made_at timestamptz NOT NULL,
  seen_at timestamptz NOT NULL,
  confirmed_at timestamptz NOT NULL,
  until timestamptz NOT NULL,
  ended_at timestamptz,
  CHECK (num_nonnulls(institution_id, company_id) <= 1)
);
CREATE INDEX session_person ON session (person_id) WHERE ended_at IS NULL;
ALTER TABLE session ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON session USING (xq_side() = 'system' OR person_id = xq_person())
  WITH CHECK (xq_side() = 'system' OR person_id = xq_person());

-- One-time codes: only the keyed hash, few tries, minutes.
CREATE TABLE one_time_code (
  id uuid PRIMARY KEY,
  phone_hash text NOT NULL,
  purpose text NOT NULL,
  code_hash text NOT NULL,
  sent_at timestamptz NOT NULL,
  until timestamptz NOT NULL,
  tries int NOT NULL DEFAULT 0,
  used_at timestamptz
);
CREATE INDEX one_time_code_phone ON one_time_code (phone_hash, purpose, sent_at);
ALTER TABLE one_time_code ENABLE ROW LEVEL SECURITY;
CREATE POLICY platform ON one_time_code USING (xq_side() = 'system') WITH CHECK (xq_side() = 'system');

-- Messages of a demo, which sends nothing: sealed.
CREATE TABLE message (
  id uuid PRIMARY KEY,
  sealed text NOT NULL,
  made_at timestamptz NOT NULL
);
ALTER TABLE message ENABLE ROW LEVEL SECURITY;
CREATE POLICY platform ON message USING (xq_side() = 'system') WITH CHECK (xq_side() = 'system');

CREATE TABLE passkey (
  id bytea PRIMARY KEY,
  person_id uuid NOT NULL REFERENCES person,
  public_key bytea NOT NULL,
  sign_count bigint NOT NULL,
  name text NOT NULL,
  made_at timestamptz NOT NULL,
  used_at timestamptz
);
CREATE INDEX passkey_person ON passkey (person_id);
ALTER TABLE passkey ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON passkey USING (xq_side() = 'system' OR person_id = xq_person())
  WITH CHECK (xq_side() = 'system' OR person_id = xq_person());

CREATE TABLE passkey_challenge (
  id uuid PRIMARY KEY,
  challenge bytea NOT NULL,
  person_id uuid REFERENCES person,
  until timestamptz NOT NULL
);
ALTER TABLE passkey_challenge ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON passkey_challenge USING (xq_side() = 'system' OR person_id = xq_person())
  WITH CHECK (xq_side() = 'system' OR person_id = xq_person());

-- Programs of an institution: public keys only, the private ones stay with them.
CREATE TABLE api_client (
  id text PRIMARY KEY,
  institution_id uuid NOT NULL REFERENCES institution,
  name text NOT NULL,
  role text NOT NULL CHECK (role IN ('api.bank', 'api.platform', 'api.holder')),
  scopes text[] NOT NULL,
  keys jsonb NOT NULL,
  sandbox boolean NOT NULL,
  calls_a_minute int NOT NULL CHECK (calls_a_minute > 0),
  calls_a_day int NOT NULL CHECK (calls_a_day > 0),
  approval_id uuid REFERENCES approval,
  made_at timestamptz NOT NULL,
  ended_at timestamptz
);
CREATE INDEX api_client_institution ON api_client (institution_id);
ALTER TABLE api_client ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON api_client USING (xq_side() = 'system' OR institution_id = xq_institution())
  WITH CHECK (xq_side() = 'system' OR institution_id = xq_institution());
CREATE FUNCTION xq_api_client() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF TG_OP = 'UPDATE' AND (OLD.ended_at IS NOT NULL OR NEW.id <> OLD.id
      OR NEW.institution_id <> OLD.institution_id) THEN
    RAISE EXCEPTION 'a program that ended stays so' USING ERRCODE = 'XQ001';
  END IF;
  IF xq_side() <> 'system' AND (TG_OP = 'INSERT' OR to_jsonb(NEW) - 'ended_at' <> to_jsonb(OLD) - 'ended_at')
    AND NOT EXISTS (SELECT FROM approval a WHERE a.id = NEW.approval_id AND a.outcome = 'approved'
      AND a.kind IN ('client.add', 'client.keys') AND a.institution_id = NEW.institution_id
      AND a.subject = NEW.id AND a.xmin = pg_current_xact_id()::xid
      AND a.body @> (to_jsonb(NEW) - '{id,institution_id,approval_id,made_at,ended_at}'::text[])) THEN
    RAISE EXCEPTION 'a program needs the approval of a second person' USING ERRCODE = 'XQ002';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER approved BEFORE INSERT OR UPDATE ON api_client FOR EACH ROW EXECUTE FUNCTION xq_api_client();

CREATE TABLE access_token (
  token_hash bytea PRIMARY KEY,
  client_id text NOT NULL REFERENCES api_client,
  scopes text[] NOT NULL,
  made_at timestamptz NOT NULL,
  until timestamptz NOT NULL
);
ALTER TABLE access_token ENABLE ROW LEVEL SECURITY;
CREATE POLICY platform ON access_token USING (xq_side() = 'system') WITH CHECK (xq_side() = 'system');

-- Assertions and signatures that came once and may not come again.
CREATE TABLE used_once (
  client_id text NOT NULL REFERENCES api_client,
  mark text NOT NULL,
  until timestamptz NOT NULL,
  PRIMARY KEY (client_id, mark)
);
ALTER TABLE used_once ENABLE ROW LEVEL SECURITY;
CREATE POLICY platform ON used_once USING (xq_side() = 'system') WITH CHECK (xq_side() = 'system');

-- Calls counted by window. Unlogged: a call must not wait for the disk, and a crash begins the count anew.
CREATE UNLOGGED TABLE call_count (
  owner text NOT NULL,
  kind text NOT NULL,
  since timestamptz NOT NULL,
  calls int NOT NULL,
  PRIMARY KEY (owner, kind, since)
);
ALTER TABLE call_count ENABLE ROW LEVEL SECURITY;
CREATE POLICY platform ON call_count USING (xq_side() = 'system') WITH CHECK (xq_side() = 'system');

-- Who did what.
CREATE TABLE audit_line (
  id uuid PRIMARY KEY,
  at timestamptz NOT NULL,
  side text NOT NULL,
  person_id uuid,
  client_id text,
  institution_id uuid,
  company_id text,
  action text NOT NULL,
  subject text NOT NULL,
  detail jsonb NOT NULL
);
CREATE INDEX audit_line_institution ON audit_line (institution_id, at);
CREATE INDEX audit_line_company ON audit_line (company_id, at);
ALTER TABLE audit_line ENABLE ROW LEVEL SECURITY;
CREATE POLICY look ON audit_line FOR SELECT USING (xq_side() = 'system' OR institution_id = xq_institution()
  OR company_id = xq_company() OR person_id = xq_person());
CREATE POLICY add ON audit_line FOR INSERT WITH CHECK (xq_side() = 'system'
  OR (side, institution_id, company_id, person_id)
     IS NOT DISTINCT FROM (xq_side(), xq_institution(), xq_company(), xq_person()));
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit_line FOR EACH ROW EXECUTE FUNCTION xq_append_only();

-- Notices within the product; read is remembered for each reader.
CREATE TABLE notice (
  id uuid PRIMARY KEY,
  to_person uuid REFERENCES person,
  to_institution uuid REFERENCES institution,
  to_company text,
  role text,
  zh text NOT NULL,
  en text NOT NULL,
  link text NOT NULL,
  made_at timestamptz NOT NULL,
  CHECK (num_nonnulls(to_person, to_institution, to_company) = 1)
);
CREATE INDEX notice_person ON notice (to_person, made_at);
CREATE INDEX notice_institution ON notice (to_institution, made_at);
CREATE INDEX notice_company ON notice (to_company, made_at);
ALTER TABLE notice ENABLE ROW LEVEL SECURITY;
CREATE POLICY look ON notice FOR SELECT USING (xq_side() = 'system' OR to_person = xq_person()
  OR to_institution = xq_institution() OR to_company = xq_company());
CREATE POLICY add ON notice FOR INSERT WITH CHECK (xq_side() = 'system');

CREATE TABLE notice_read (
  notice_id uuid NOT NULL REFERENCES notice,
  person_id uuid NOT NULL REFERENCES person,
  at timestamptz NOT NULL,
  PRIMARY KEY (notice_id, person_id)
);
ALTER TABLE notice_read ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON notice_read USING (xq_side() = 'system' OR person_id = xq_person())
  WITH CHECK (xq_side() = 'system' OR person_id = xq_person());
