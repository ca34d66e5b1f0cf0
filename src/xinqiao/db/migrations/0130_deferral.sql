-- A company asks its bank to let the dues of a loan move (申请延期还本付息). One question at a time for a loan.
CREATE TABLE deferral_request (
  id uuid PRIMARY KEY,
  loan_id uuid NOT NULL REFERENCES loan,
  company_id text NOT NULL,
  institution_id uuid NOT NULL REFERENCES institution,
  months int NOT NULL CHECK (months BETWEEN 1 AND 12),
  why text NOT NULL CHECK (why <> ''),
  asked_by text NOT NULL,
  asked_at timestamptz NOT NULL,
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'granted', 'refused', 'withdrawn')),
  answer text NOT NULL DEFAULT '',
  decided_at timestamptz,
  CHECK ((state = 'open') = (decided_at IS NULL))
);
CREATE UNIQUE INDEX deferral_request_open ON deferral_request (loan_id) WHERE state = 'open';
CREATE INDEX deferral_request_institution ON deferral_request (institution_id, state);
ALTER TABLE deferral_request ENABLE ROW LEVEL SECURITY;
CREATE POLICY company ON deferral_request USING (xq_side() = 'enterprise' AND company_id = xq_company())
  WITH CHECK (xq_side() = 'enterprise' AND company_id = xq_company());
CREATE POLICY own ON deferral_request
  USING (xq_side() = 'system' OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution()))
  WITH CHECK (xq_side() = 'system' OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution()));
-- What was asked stays as it was asked; only the answer is added, once.
CREATE FUNCTION xq_deferral_answered_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF OLD.state <> 'open' OR (NEW.loan_id, NEW.company_id, NEW.institution_id, NEW.months, NEW.why, NEW.asked_at)
    IS DISTINCT FROM (OLD.loan_id, OLD.company_id, OLD.institution_id, OLD.months, OLD.why, OLD.asked_at) THEN
    RAISE EXCEPTION 'a deferral request is answered once' USING ERRCODE = 'XQ001';
  END IF;
  IF xq_side() = 'enterprise' AND NEW.state <> 'withdrawn' THEN
    RAISE EXCEPTION 'only the bank answers a deferral request' USING ERRCODE = 'XQ001';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER answered_once BEFORE UPDATE ON deferral_request
  FOR EACH ROW EXECUTE FUNCTION xq_deferral_answered_once();
REVOKE DELETE, TRUNCATE ON deferral_request FROM xinqiao_app;
