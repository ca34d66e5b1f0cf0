-- A limit and what is used of it. kind and key: facility (its id), company (its id), group (the id of who controls it),
-- product (its id), institution (its id). Every drawdown takes from all that apply, in this order, in one transaction.
CREATE TABLE credit_line (
  id uuid PRIMARY KEY,
  institution_id uuid NOT NULL REFERENCES institution,
  kind text NOT NULL CHECK (kind IN ('facility', 'company', 'group', 'product', 'institution')),
  key text NOT NULL,
  limit_cny numeric(18,2) NOT NULL CHECK (limit_cny >= 0),
  used_cny numeric(18,2) NOT NULL DEFAULT 0 CHECK (used_cny >= 0),
  UNIQUE (institution_id, kind, key)
);
ALTER TABLE credit_line ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON credit_line
  USING (xq_side() = 'system' OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution()))
  WITH CHECK (xq_side() = 'system' OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution()));
-- A limit may be set below what is used; then nothing more is drawn. Only taking a repayment back (the money never came)
-- may go beyond: the debt is there whatever the limit says. servicing.line tells so by the setting.
CREATE FUNCTION xq_line_holds() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF NEW.used_cny > NEW.limit_cny AND NEW.used_cny > OLD.used_cny
     AND coalesce(current_setting('xinqiao.taking_back', true), '') <> 'yes' THEN
    RAISE EXCEPTION 'limit of % % exceeded', NEW.kind, NEW.key USING ERRCODE = 'XQ003';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER holds BEFORE UPDATE ON credit_line FOR EACH ROW EXECUTE FUNCTION xq_line_holds();

-- What a signed contract lets a company draw (授信额度).
CREATE TABLE facility (
  id uuid PRIMARY KEY,
  case_id uuid NOT NULL UNIQUE REFERENCES lending_case,
  company_id text NOT NULL,
  institution_id uuid NOT NULL REFERENCES institution,
  product_id text NOT NULL,
  product_version text NOT NULL,
  amount_cny numeric(18,2) NOT NULL CHECK (amount_cny > 0),
  rate numeric(9,6) NOT NULL CHECK (rate >= 0),
  term_months int NOT NULL CHECK (term_months > 0),
  way text NOT NULL,
  drawdown text NOT NULL CHECK (drawdown IN ('single', 'revolving', 'tranches')),
  group_key text,                        -- who actually controls the company, null: nobody known; its line is the group's
  valid_from date NOT NULL,
  valid_until date NOT NULL CHECK (valid_until > valid_from),
  state text NOT NULL CHECK (state IN ('active', 'frozen', 'closed')),
  version int NOT NULL DEFAULT 1
);
CREATE INDEX facility_company ON facility (company_id);
CREATE INDEX facility_institution ON facility (institution_id, state);
ALTER TABLE facility ENABLE ROW LEVEL SECURITY;
CREATE POLICY company ON facility FOR SELECT USING (xq_side() = 'enterprise' AND company_id = xq_company());
CREATE POLICY own ON facility
  USING (xq_side() = 'system' OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution()))
  WITH CHECK (xq_side() = 'system' OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution()));

-- A loan (借据): a drawing under a facility. The columns are what its events come to; replaying them gives the same.
CREATE TABLE loan (
  id uuid PRIMARY KEY,
  facility_id uuid NOT NULL REFERENCES facility,
  company_id text NOT NULL,
  institution_id uuid NOT NULL REFERENCES institution,
  product_id text NOT NULL,
  product_version text NOT NULL,
  terms jsonb NOT NULL,                  -- loan.terms.Terms as it was when drawn
  state text NOT NULL CHECK (state IN ('open', 'closed', 'written_off')),
  drawn_on date NOT NULL,
  matures_on date NOT NULL,
  rate numeric(12,8) NOT NULL,
  way text NOT NULL,
  class text NOT NULL DEFAULT 'normal' CHECK (class IN ('normal', 'special_mention', 'substandard', 'doubtful', 'loss')),
  restructured_on date,
  posted_on date NOT NULL,               -- the day the journal is worked out to
  totals jsonb NOT NULL,                 -- loan.balances.Balances as posted
  principal_cny numeric(18,2) NOT NULL CHECK (principal_cny >= 0),
  interest_cny numeric(18,2) NOT NULL,   -- earned and open, due or not
  penalty_cny numeric(18,2) NOT NULL,
  fee_cny numeric(18,2) NOT NULL,
  credit_cny numeric(18,2) NOT NULL CHECK (credit_cny >= 0),
  allowance_cny numeric(18,2) NOT NULL DEFAULT 0,
  next_due date,                         -- of the first instalment not yet due
  unpaid_since date,                     -- due date of the oldest instalment not fully paid; null: nothing overdue
  days_past_due int NOT NULL DEFAULT 0 CHECK (days_past_due >= 0),
  version int NOT NULL DEFAULT 1
);
CREATE INDEX loan_facility ON loan (facility_id);
CREATE INDEX loan_company ON loan (company_id);
CREATE INDEX loan_institution ON loan (institution_id, state, next_due);
CREATE INDEX loan_overdue ON loan (institution_id, unpaid_since) WHERE unpaid_since IS NOT NULL;
ALTER TABLE loan ENABLE ROW LEVEL SECURITY;
CREATE POLICY company ON loan FOR SELECT USING (xq_side() = 'enterprise' AND company_id = xq_company());
CREATE POLICY own ON loan
  USING (xq_side() = 'system' OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution()))
  WITH CHECK (xq_side() = 'system' OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution()));

-- What happened to a loan, only added to; seq is the version the event made. key: whoever sends twice is answered once.
CREATE TABLE loan_event (
  loan_id uuid NOT NULL REFERENCES loan,
  seq int NOT NULL,
  company_id text NOT NULL,
  institution_id uuid NOT NULL,
  kind text NOT NULL,
  on_date date NOT NULL,                 -- the day it counts from
  booked_on date NOT NULL,               -- the business day it was booked on
  at timestamptz NOT NULL,
  body jsonb NOT NULL,                   -- loan.event.to_json
  key text,
  by_side text NOT NULL,
  by_name text NOT NULL,
  PRIMARY KEY (loan_id, seq)
);
CREATE UNIQUE INDEX loan_event_key ON loan_event (institution_id, key) WHERE key IS NOT NULL;
ALTER TABLE loan_event ENABLE ROW LEVEL SECURITY;
CREATE POLICY company ON loan_event FOR SELECT USING (xq_side() = 'enterprise' AND company_id = xq_company());
CREATE POLICY own ON loan_event FOR SELECT
  USING (xq_side() = 'system' OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution()));
CREATE POLICY add ON loan_event FOR INSERT
  WITH CHECK (xq_side() = 'system' OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution()));
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON loan_event FOR EACH ROW EXECUTE FUNCTION xq_append_only();

-- Instalments as they stand now: worked out anew by every event.
CREATE TABLE loan_instalment (
  loan_id uuid NOT NULL REFERENCES loan,
  n int NOT NULL,
  company_id text NOT NULL,
  institution_id uuid NOT NULL,
  due date NOT NULL,
  principal_cny numeric(18,2) NOT NULL,
  interest_cny numeric(18,2) NOT NULL,
  fee_cny numeric(18,2) NOT NULL,
  penalty_cny numeric(18,2) NOT NULL,
  paid_cny numeric(18,2) NOT NULL,
  settled_on date,
  PRIMARY KEY (loan_id, n)
);
CREATE INDEX loan_instalment_due ON loan_instalment (institution_id, due);
ALTER TABLE loan_instalment ENABLE ROW LEVEL SECURITY;
CREATE POLICY company ON loan_instalment FOR SELECT USING (xq_side() = 'enterprise' AND company_id = xq_company());
CREATE POLICY own ON loan_instalment
  USING (xq_side() = 'system' OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution()))
  WITH CHECK (xq_side() = 'system' OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution()));

-- The journal (分录): an entry and its lines, which sum to zero; only added to, put right by a counter-entry.
CREATE TABLE journal_entry (
  id uuid PRIMARY KEY,
  institution_id uuid NOT NULL,
  booked_on date NOT NULL,
  kind text NOT NULL,                    -- the event's kind, or day_end, or counter
  loan_id uuid,                          -- null: a whole batch, whose loans stand in accrual
  seq int,                               -- the event of the loan
  counters uuid REFERENCES journal_entry,
  at timestamptz NOT NULL,
  FOREIGN KEY (loan_id, seq) REFERENCES loan_event
);
CREATE INDEX journal_entry_loan ON journal_entry (loan_id) WHERE loan_id IS NOT NULL;
CREATE INDEX journal_entry_day ON journal_entry (institution_id, booked_on);
ALTER TABLE journal_entry ENABLE ROW LEVEL SECURITY;
CREATE TABLE journal_line (
  entry_id uuid NOT NULL REFERENCES journal_entry,
  institution_id uuid NOT NULL,
  account text NOT NULL,
  amount_cny numeric(18,2) NOT NULL CHECK (amount_cny <> 0),  -- a debit where positive, a credit where negative
  PRIMARY KEY (entry_id, account)
);
ALTER TABLE journal_line ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON journal_entry FOR SELECT
  USING (xq_side() = 'system' OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution()));
CREATE POLICY add ON journal_entry FOR INSERT
  WITH CHECK (xq_side() = 'system' OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution()));
CREATE POLICY own ON journal_line FOR SELECT
  USING (xq_side() = 'system' OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution()));
CREATE POLICY add ON journal_line FOR INSERT
  WITH CHECK (xq_side() = 'system' OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution()));
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON journal_entry FOR EACH ROW EXECUTE FUNCTION xq_append_only();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON journal_line FOR EACH ROW EXECUTE FUNCTION xq_append_only();
CREATE FUNCTION xq_entry_balances() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF (SELECT sum(amount_cny) FROM journal_line WHERE entry_id = NEW.entry_id) <> 0 THEN
    RAISE EXCEPTION 'entry % does not balance', NEW.entry_id USING ERRCODE = 'XQ004';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER balances AFTER INSERT ON journal_line DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION xq_entry_balances();

-- The day's accrual of a batch of loans: one entry, and here what each loan's part of it is, in cents.
CREATE TABLE accrual (
  entry_id uuid PRIMARY KEY REFERENCES journal_entry,
  institution_id uuid NOT NULL,
  booked_on date NOT NULL,
  loan_ids uuid[] NOT NULL,
  interest_cents bigint[] NOT NULL,
  penalty_cents bigint[] NOT NULL,
  allowance_cents bigint[] NOT NULL,
  -- loan_ids ascend, so a loan's accruals are found without unpacking every batch
  first_id uuid GENERATED ALWAYS AS (loan_ids[1]) STORED,
  last_id uuid GENERATED ALWAYS AS (loan_ids[cardinality(loan_ids)]) STORED
);
CREATE INDEX accrual_day ON accrual (institution_id, booked_on);
ALTER TABLE accrual ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON accrual FOR SELECT
  USING (xq_side() = 'system' OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution()));
CREATE POLICY add ON accrual FOR INSERT WITH CHECK (xq_side() = 'system');
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON accrual FOR EACH ROW EXECUTE FUNCTION xq_append_only();

-- The business day of an institution, and the batches of its day-end that are done.
CREATE TABLE business_day (
  institution_id uuid PRIMARY KEY REFERENCES institution,
  day date NOT NULL                      -- open for booking; day-end closes it and opens the next
);
ALTER TABLE business_day ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON business_day FOR SELECT
  USING (xq_side() = 'system' OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution()));
CREATE POLICY keep ON business_day USING (xq_side() = 'system') WITH CHECK (xq_side() = 'system');
CREATE TABLE day_end_batch (
  institution_id uuid NOT NULL REFERENCES institution,
  day date NOT NULL,
  step text NOT NULL,
  from_id uuid NOT NULL,                 -- loans with id >= from_id, up to the next batch's
  done_at timestamptz NOT NULL,
  loans int NOT NULL,
  PRIMARY KEY (institution_id, day, step, from_id)
);
ALTER TABLE day_end_batch ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON day_end_batch FOR SELECT
  USING (xq_side() = 'system' OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution()));
CREATE POLICY keep ON day_end_batch USING (xq_side() = 'system') WITH CHECK (xq_side() = 'system');
REVOKE DELETE, TRUNCATE ON credit_line, facility, loan, loan_event, journal_entry, journal_line, accrual FROM xinqiao_app;
