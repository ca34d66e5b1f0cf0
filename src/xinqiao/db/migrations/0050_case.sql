-- A firm's need. It may be asked of several institutions; what is accepted in all never exceeds it.
CREATE TABLE loan_request (
  id uuid PRIMARY KEY,
  company_id text NOT NULL,
  amount_cny numeric(18,2) NOT NULL CHECK (amount_cny > 0),
  accepted_cny numeric(18,2) NOT NULL DEFAULT 0 CHECK (accepted_cny >= 0),
  term_months int NOT NULL CHECK (term_months BETWEEN 1 AND 360),
  use text NOT NULL,
  made_at timestamptz NOT NULL,
  CONSTRAINT within_the_need CHECK (accepted_cny <= amount_cny)
);
CREATE INDEX loan_request_company ON loan_request (company_id);
ALTER TABLE loan_request ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON loan_request
  USING (xq_side() = 'system' OR (xq_side() = 'enterprise' AND company_id = xq_company()))
  WITH CHECK (xq_side() = 'system' OR (xq_side() = 'enterprise' AND company_id = xq_company()));

-- Which transition leads from where to where, and whose it is: catalog/cases/machine.yaml (a test keeps them equal).
CREATE TABLE case_machine (
  transition text NOT NULL,
  from_state text NOT NULL,              -- '' : there was no case yet
  to_state text NOT NULL,
  sides text[] NOT NULL,
  PRIMARY KEY (transition, from_state)
);
REVOKE INSERT, UPDATE, DELETE ON case_machine FROM xinqiao_app;
ALTER TABLE case_machine ENABLE ROW LEVEL SECURITY;
CREATE POLICY look ON case_machine FOR SELECT USING (true);
INSERT INTO case_machine
SELECT t, f, coalesce(g, f), s
FROM (VALUES
  ('draft', '{""}'::text[], 'draft', '{enterprise}'::text[]),
  ('apply', '{"",draft}', 'applied', '{enterprise}'),
  ('screen', '{applied}', 'screened', '{system}'),
  ('offer_at_once', '{applied}', 'offered', '{system}'),
  ('refuse_at_once', '{applied}', 'refused', '{system}'),
  ('lack_grant', '{applied}', 'returned', '{system}'),
  ('take', '{screened}', 'in_review', '{bank,guarantee}'),
  ('hand_over', '{in_review}', NULL, '{bank,guarantee}'),
  ('propose', '{in_review}', 'proposed', '{bank,guarantee}'),
  ('send_back', '{proposed}', 'in_review', '{bank,guarantee}'),
  ('offer', '{proposed}', 'offered', '{bank,guarantee}'),
  ('refuse', '{proposed}', 'refused', '{bank,guarantee}'),
  ('return', '{screened,in_review}', 'returned', '{bank,guarantee}'),
  ('resubmit', '{returned}', 'applied', '{enterprise}'),
  ('ask_human', '{refused}', 'screened', '{enterprise}'),
  ('accept', '{offered}', 'accepted', '{enterprise}'),
  ('decline', '{offered}', 'declined', '{enterprise}'),
  ('draw_up', '{accepted}', 'contracted', '{system,bank,guarantee}'),
  ('sign', '{contracted}', 'half_signed', '{enterprise}'),
  ('countersign', '{half_signed}', 'signed', '{bank,guarantee}'),
  ('activate', '{signed}', 'active', '{system}'),
  ('close', '{active}', 'closed', '{system}'),
  ('hand_on', '{screened,in_review,proposed}', 'handed_on', '{enterprise,system}'),
  ('arrive', '{""}', 'applied', '{system}'),
  ('withdraw', '{draft,applied,screened,in_review,proposed,returned,offered,accepted,contracted,half_signed}',
    'withdrawn', '{enterprise}'),
  ('expire', '{draft,returned,offered,contracted}', 'expired', '{system}'),
  ('escalate', '{applied,screened,in_review,proposed,accepted,half_signed,signed}', NULL, '{system}'),
  ('document', '{draft,applied,screened,in_review,proposed,returned,offered,accepted,contracted,half_signed,signed}',
    NULL, '{enterprise}')
) AS m (t, froms, g, s), LATERAL unnest(froms) AS f;

CREATE TABLE lending_case (
  id uuid PRIMARY KEY,
  request_id uuid NOT NULL REFERENCES loan_request,
  company_id text NOT NULL,
  institution_id uuid NOT NULL,
  product_id text NOT NULL,
  product_version text NOT NULL,
  amount_cny numeric(18,2) NOT NULL CHECK (amount_cny > 0),
  term_months int NOT NULL CHECK (term_months BETWEEN 1 AND 360),
  use text NOT NULL,
  answers jsonb NOT NULL,                -- what the product asks of the firm beside amount and term
  grant_id uuid,                         -- null while a draft
  applied_by uuid NOT NULL,              -- the person who acted for the company
  state text NOT NULL,
  version int NOT NULL DEFAULT 1,
  made_at timestamptz NOT NULL,
  applied_at timestamptz,
  decided_at timestamptz,                -- first offered or refused
  closed_at timestamptz,
  due_at timestamptz,                    -- until when the state should have ended
  escalated int NOT NULL DEFAULT 0,
  deadlines jsonb NOT NULL,              -- days by name, as the product had them when it was applied for
  handler text,                          -- who in the institution works on it: the name, and who it is
  handler_id text,
  automatic boolean NOT NULL DEFAULT false,  -- how the latest decision was made
  human_review boolean NOT NULL DEFAULT false,
  decision_id text,
  CONSTRAINT granted CHECK (state IN ('draft', 'withdrawn', 'expired') OR grant_id IS NOT NULL)
);
CREATE INDEX lending_case_institution ON lending_case (institution_id, state, due_at);
CREATE INDEX lending_case_company ON lending_case (company_id, made_at);
CREATE INDEX lending_case_request ON lending_case (request_id);
-- The same product of the same institution is asked for once at a time.
CREATE UNIQUE INDEX lending_case_open ON lending_case (company_id, institution_id, product_id)
  WHERE state IN ('draft', 'applied', 'screened', 'in_review', 'proposed', 'returned', 'offered');
ALTER TABLE lending_case ENABLE ROW LEVEL SECURITY;
CREATE POLICY company ON lending_case
  USING (xq_side() = 'enterprise' AND company_id = xq_company())
  WITH CHECK (xq_side() = 'enterprise' AND company_id = xq_company());
CREATE POLICY institution_sees ON lending_case FOR SELECT
  USING (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution() AND applied_at IS NOT NULL);
CREATE POLICY institution_works ON lending_case FOR UPDATE
  USING (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution() AND applied_at IS NOT NULL)
  WITH CHECK (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution());
CREATE POLICY platform ON lending_case USING (xq_side() = 'system') WITH CHECK (xq_side() = 'system');

-- What happened to a case, only added to. Both sides see it; what is internal to a bank stands in case_note.
CREATE TABLE case_event (
  id uuid PRIMARY KEY,
  case_id uuid NOT NULL REFERENCES lending_case,
  seq int NOT NULL,
  transition text NOT NULL,
  from_state text NOT NULL,
  to_state text NOT NULL,
  at timestamptz NOT NULL,
  by_side text NOT NULL,
  by_name text NOT NULL,
  by_person uuid,
  company_id text NOT NULL,
  institution_id uuid NOT NULL,
  body jsonb NOT NULL,
  UNIQUE (case_id, seq),
  UNIQUE (case_id, seq, to_state)
);
CREATE INDEX case_event_at ON case_event (at);
ALTER TABLE case_event ENABLE ROW LEVEL SECURITY;
CREATE POLICY see ON case_event FOR SELECT USING (
  xq_side() = 'system' OR (xq_side() = 'enterprise' AND company_id = xq_company())
  OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution() AND from_state <> 'draft'
      AND to_state <> 'draft')
  OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution() AND transition = 'apply'));
CREATE POLICY tell ON case_event FOR INSERT WITH CHECK (
  xq_side() = 'system' OR (xq_side() = 'enterprise' AND company_id = xq_company())
  OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution()));
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON case_event
  FOR EACH ROW EXECUTE FUNCTION xq_append_only();

-- No version of a case without the event that made it, and no event that the case doesn't follow.
ALTER TABLE lending_case ADD CONSTRAINT told FOREIGN KEY (id, version, state)
  REFERENCES case_event (case_id, seq, to_state) DEFERRABLE INITIALLY DEFERRED;

-- Events not yet told to webhooks.
CREATE TABLE case_outbox (
  event_id uuid PRIMARY KEY REFERENCES case_event
);
ALTER TABLE case_outbox ENABLE ROW LEVEL SECURITY;
CREATE POLICY put ON case_outbox FOR INSERT WITH CHECK (xq_side() IN ('system', 'enterprise', 'bank', 'guarantee'));
CREATE POLICY platform ON case_outbox USING (xq_side() = 'system') WITH CHECK (xq_side() = 'system');

-- The judgement of one person of the institution, and of a second one. An API client may be the first.
CREATE TABLE case_proposal (
  id uuid PRIMARY KEY,
  case_id uuid NOT NULL REFERENCES lending_case,
  institution_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('offer', 'refuse')),
  amount_cny numeric(18,2),
  rate numeric(9,6),
  term_months int,
  repayment text,
  codes text[] NOT NULL,
  note text NOT NULL,
  proposed_by text NOT NULL,
  proposed_as text NOT NULL CHECK (proposed_as IN ('officer', 'approver')),
  proposed_name text NOT NULL,
  proposed_at timestamptz NOT NULL,
  decided_by text,
  decided_name text,
  decided_at timestamptz,
  verdict text CHECK (verdict IN ('approved', 'sent_back')),
  version int,                           -- of the case, as the verdict left it
  CONSTRAINT four_eyes CHECK (decided_by <> proposed_by),
  CONSTRAINT whole CHECK ((kind = 'refuse' AND cardinality(codes) > 0)
    OR (kind = 'offer' AND amount_cny > 0 AND rate >= 0 AND term_months > 0 AND repayment IS NOT NULL)),
  CONSTRAINT decided CHECK ((decided_by IS NULL) = (verdict IS NULL) AND (verdict IS NULL) = (version IS NULL))
);
CREATE UNIQUE INDEX case_proposal_open ON case_proposal (case_id) WHERE verdict IS NULL;
CREATE INDEX case_proposal_case ON case_proposal (case_id);
ALTER TABLE case_proposal ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON case_proposal
  USING (xq_side() = 'system' OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution()))
  WITH CHECK (xq_side() = 'system' OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution()));

-- Remarks of the institution's people to each other.
CREATE TABLE case_note (
  id uuid PRIMARY KEY,
  case_id uuid NOT NULL REFERENCES lending_case,
  institution_id uuid NOT NULL,
  at timestamptz NOT NULL,
  by_name text NOT NULL,
  text text NOT NULL
);
CREATE INDEX case_note_case ON case_note (case_id);
ALTER TABLE case_note ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON case_note
  USING (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution())
  WITH CHECK (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution());
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON case_note
  FOR EACH ROW EXECUTE FUNCTION xq_append_only();

CREATE TABLE offer (
  id uuid PRIMARY KEY,
  case_id uuid NOT NULL REFERENCES lending_case,
  request_id uuid NOT NULL REFERENCES loan_request,
  company_id text NOT NULL,
  institution_id uuid NOT NULL,
  product_id text NOT NULL,
  product_version text NOT NULL,
  amount_cny numeric(18,2) NOT NULL CHECK (amount_cny > 0),
  rate numeric(9,6) NOT NULL CHECK (rate >= 0),
  term_months int NOT NULL CHECK (term_months > 0),
  repayment text NOT NULL,
  fees jsonb NOT NULL,
  apr numeric(9,6) NOT NULL CHECK (apr <= 0.24),   -- all fees in; above it nothing may be offered
  apr_method text NOT NULL,
  automatic boolean NOT NULL,
  made_at timestamptz NOT NULL,
  until timestamptz NOT NULL CHECK (until > made_at),
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'accepted', 'declined', 'withdrawn', 'expired')),
  closed_at timestamptz
);
CREATE UNIQUE INDEX offer_of_case ON offer (case_id) WHERE state IN ('open', 'accepted');
CREATE INDEX offer_request ON offer (request_id);
CREATE INDEX offer_company ON offer (company_id);
CREATE INDEX offer_institution ON offer (institution_id, made_at);
ALTER TABLE offer ENABLE ROW LEVEL SECURITY;
CREATE POLICY company ON offer
  USING (xq_side() = 'enterprise' AND company_id = xq_company())
  WITH CHECK (xq_side() = 'enterprise' AND company_id = xq_company());
CREATE POLICY institution ON offer
  USING (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution())
  WITH CHECK (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution());
CREATE POLICY platform ON offer USING (xq_side() = 'system') WITH CHECK (xq_side() = 'system');

CREATE TABLE case_document (
  id uuid PRIMARY KEY,
  case_id uuid NOT NULL REFERENCES lending_case,
  company_id text NOT NULL,
  institution_id uuid NOT NULL,
  kind text NOT NULL,
  name text NOT NULL,
  media_type text NOT NULL,
  size int NOT NULL CHECK (size BETWEEN 1 AND 10485760),
  digest text NOT NULL,
  body bytea NOT NULL,
  by_name text NOT NULL,
  at timestamptz NOT NULL,
  UNIQUE (case_id, digest)
);
ALTER TABLE case_document ENABLE ROW LEVEL SECURITY;
CREATE POLICY see ON case_document FOR SELECT USING (
  xq_side() = 'system' OR (xq_side() = 'enterprise' AND company_id = xq_company())
  OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution()
      AND EXISTS (SELECT 1 FROM lending_case AS c WHERE c.id = case_id)));
CREATE POLICY put ON case_document FOR INSERT WITH CHECK (xq_side() = 'enterprise' AND company_id = xq_company());
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON case_document
  FOR EACH ROW EXECUTE FUNCTION xq_append_only();

-- Decisions as recorded, byte for byte, and the exact texts they rest on. A bank's policy is its own.
CREATE TABLE decision (
  id text PRIMARY KEY,
  case_id uuid NOT NULL REFERENCES lending_case,
  company_id text NOT NULL,
  institution_id uuid NOT NULL,
  outcome text NOT NULL CHECK (outcome IN ('approve', 'refer', 'reject')),
  made_at timestamptz NOT NULL,
  record bytea NOT NULL,
  evidence_id uuid
);
CREATE INDEX decision_case ON decision (case_id);
ALTER TABLE decision ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON decision FOR SELECT USING (
  xq_side() = 'system' OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution()));
CREATE POLICY make ON decision FOR INSERT WITH CHECK (xq_side() = 'system');
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON decision FOR EACH ROW EXECUTE FUNCTION xq_append_only();

CREATE TABLE decision_artifact (
  institution_id uuid NOT NULL,
  name text NOT NULL,                    -- <sha256>.json: a model; <sha256>.yaml: a policy or a release
  body bytea NOT NULL,
  PRIMARY KEY (institution_id, name)
);
ALTER TABLE decision_artifact ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON decision_artifact FOR SELECT USING (
  xq_side() = 'system' OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution()));
CREATE POLICY make ON decision_artifact FOR INSERT WITH CHECK (xq_side() = 'system');
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON decision_artifact
  FOR EACH ROW EXECUTE FUNCTION xq_append_only();

-- Nothing of a case is ever deleted.
REVOKE DELETE, TRUNCATE ON loan_request, lending_case, case_event, case_proposal, case_note, offer, case_document,
  decision, decision_artifact FROM xinqiao_app;

-- The rules a case can't break, whoever writes.
CREATE FUNCTION xq_case_moves() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE was text;
BEGIN
  IF TG_OP = 'INSERT' THEN
    was := '';
    IF NEW.version <> 1 THEN
      RAISE EXCEPTION 'a case begins with version 1' USING ERRCODE = 'XQ002';
    END IF;
  ELSE
    was := OLD.state;
    IF NEW.version <> OLD.version + 1 THEN
      RAISE EXCEPTION 'a case goes on by one version' USING ERRCODE = 'XQ002';
    END IF;
    IF (NEW.id, NEW.request_id, NEW.company_id, NEW.institution_id, NEW.product_id, NEW.amount_cny, NEW.term_months)
       IS DISTINCT FROM
       (OLD.id, OLD.request_id, OLD.company_id, OLD.institution_id, OLD.product_id, OLD.amount_cny, OLD.term_months)
    THEN
      RAISE EXCEPTION 'what was applied for stays' USING ERRCODE = 'XQ002';
    END IF;
  END IF;
  IF NOT EXISTS (SELECT 1 FROM case_machine AS m
                 WHERE m.from_state = was AND m.to_state = NEW.state AND xq_side() = ANY (m.sides)) THEN
    RAISE EXCEPTION 'no way from % to % for %', was, NEW.state, xq_side() USING ERRCODE = 'XQ002';
  END IF;
  IF NEW.state IN ('offered', 'refused') AND was = 'proposed' AND NOT EXISTS (
    SELECT 1 FROM case_proposal AS p
    WHERE p.case_id = NEW.id AND p.verdict = 'approved' AND p.version = NEW.version
      AND p.kind = CASE NEW.state WHEN 'offered' THEN 'offer' ELSE 'refuse' END) THEN
    RAISE EXCEPTION 'a decision needs two people' USING ERRCODE = 'XQ002';
  END IF;
  IF NEW.state = 'accepted' AND NOT EXISTS (
    SELECT 1 FROM offer AS o WHERE o.case_id = NEW.id AND o.state = 'accepted') THEN
    RAISE EXCEPTION 'no offer was accepted' USING ERRCODE = 'XQ002';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER moves BEFORE INSERT OR UPDATE ON lending_case FOR EACH ROW EXECUTE FUNCTION xq_case_moves();

-- An event names a transition of the machine.
CREATE FUNCTION xq_event_fits() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM case_machine AS m WHERE m.transition = NEW.transition
                 AND m.from_state = NEW.from_state AND m.to_state = NEW.to_state AND xq_side() = ANY (m.sides)) THEN
    RAISE EXCEPTION 'no transition %: % to %', NEW.transition, NEW.from_state, NEW.to_state USING ERRCODE = 'XQ002';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER fits BEFORE INSERT ON case_event FOR EACH ROW EXECUTE FUNCTION xq_event_fits();

-- An offer keeps its terms, is closed once, and an accepted one counts against the need; until both have signed it
-- may still lapse, and then counts no more.
CREATE FUNCTION xq_offer_closes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.state = 'accepted' AND NEW.state IN ('withdrawn', 'expired') AND xq_side() IN ('enterprise', 'system')
     AND (NEW.case_id, NEW.amount_cny, NEW.rate, NEW.term_months, NEW.repayment, NEW.fees, NEW.apr)
       IS NOT DISTINCT FROM
       (OLD.case_id, OLD.amount_cny, OLD.rate, OLD.term_months, OLD.repayment, OLD.fees, OLD.apr)
     AND EXISTS (SELECT 1 FROM lending_case AS c
                 WHERE c.id = OLD.case_id AND c.state IN ('accepted', 'contracted', 'half_signed')) THEN
    UPDATE loan_request SET accepted_cny = accepted_cny - OLD.amount_cny WHERE id = OLD.request_id;
    RETURN NEW;
  END IF;
  IF OLD.state <> 'open' OR NEW.state = 'open' OR (NEW.state IN ('accepted', 'declined') AND xq_side() <> 'enterprise')
     OR (NEW.case_id, NEW.amount_cny, NEW.rate, NEW.term_months, NEW.repayment, NEW.fees, NEW.apr)
        IS DISTINCT FROM (OLD.case_id, OLD.amount_cny, OLD.rate, OLD.term_months, OLD.repayment, OLD.fees, OLD.apr)
  THEN
    RAISE EXCEPTION 'an offer is closed once and never changed' USING ERRCODE = 'XQ002';
  END IF;
  IF NEW.state = 'accepted' THEN
    UPDATE loan_request SET accepted_cny = accepted_cny + NEW.amount_cny WHERE id = NEW.request_id;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER closes BEFORE UPDATE ON offer FOR EACH ROW EXECUTE FUNCTION xq_offer_closes();
CREATE FUNCTION xq_offer_is_approved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state <> 'open' OR (xq_side() <> 'system' AND NOT EXISTS (
       SELECT 1 FROM case_proposal AS p WHERE p.case_id = NEW.case_id AND p.verdict = 'approved' AND p.kind = 'offer'
         AND (p.amount_cny, p.rate, p.term_months) = (NEW.amount_cny, NEW.rate, NEW.term_months))) THEN
    RAISE EXCEPTION 'an offer needs two people' USING ERRCODE = 'XQ002';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER approved BEFORE INSERT ON offer FOR EACH ROW EXECUTE FUNCTION xq_offer_is_approved();
