-- What people know of a loan's risk beyond its days past due; day-end reads it with every class it gives.
CREATE TABLE loan_risk (
  loan_id uuid PRIMARY KEY REFERENCES loan,
  institution_id uuid NOT NULL REFERENCES institution,
  facts jsonb NOT NULL DEFAULT '{}',     -- loan.classification.Facts that are marks, by name
  set_by_hand text CHECK (set_by_hand IN ('normal', 'special_mention', 'substandard', 'doubtful', 'loss')),
  able boolean NOT NULL DEFAULT false,   -- two people found that the debtor can go on paying
  clean_since date,                      -- since when nothing is overdue, for a loan that was overdue or bad
  watched_until date                     -- last day of the watch after a restructuring
);
CREATE INDEX loan_risk_institution ON loan_risk (institution_id);
ALTER TABLE loan_risk ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON loan_risk
  USING (xq_side() = 'system' OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution()))
  WITH CHECK (xq_side() = 'system' OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution()));

-- What is known of a debtor as a whole, at one institution: from its reports of other banks, courts, officers.
CREATE TABLE debtor_risk (
  institution_id uuid NOT NULL REFERENCES institution,
  company_id text NOT NULL,
  overdue_share numeric(7,6) CHECK (overdue_share BETWEEN 0 AND 1),
  bad_elsewhere boolean NOT NULL DEFAULT false,
  evades boolean NOT NULL DEFAULT false,
  bankrupt boolean NOT NULL DEFAULT false,
  retail boolean NOT NULL DEFAULT false,
  known_on date NOT NULL,
  source text NOT NULL,
  PRIMARY KEY (institution_id, company_id)
);
ALTER TABLE debtor_risk ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON debtor_risk
  USING (xq_side() = 'system' OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution()))
  WITH CHECK (xq_side() = 'system' OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution()));

-- Every class a loan was given (分类留痕), by rule or by two people, with the reasons.
CREATE TABLE loan_class (
  id uuid PRIMARY KEY,
  loan_id uuid NOT NULL REFERENCES loan,
  institution_id uuid NOT NULL,
  on_date date NOT NULL,
  before text NOT NULL,
  class text NOT NULL,
  reasons text[] NOT NULL,
  words text NOT NULL DEFAULT '',
  approval_id uuid REFERENCES approval,
  at timestamptz NOT NULL
);
CREATE INDEX loan_class_loan ON loan_class (loan_id, on_date);
CREATE INDEX loan_class_day ON loan_class (institution_id, on_date);
ALTER TABLE loan_class ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON loan_class
  USING (xq_side() = 'system' OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution()))
  WITH CHECK (xq_side() = 'system' OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution()));
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON loan_class FOR EACH ROW EXECUTE FUNCTION xq_append_only();

-- An institution's own shares of the loss allowance by class, from a day on.
CREATE TABLE provision_rates (
  institution_id uuid NOT NULL REFERENCES institution,
  since date NOT NULL,
  rates jsonb NOT NULL,
  approval_id uuid NOT NULL REFERENCES approval,
  PRIMARY KEY (institution_id, since)
);
ALTER TABLE provision_rates ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON provision_rates
  USING (xq_side() = 'system' OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution()))
  WITH CHECK (xq_side() = 'system' OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution()));

-- Reminders sent, so that a day-end run again sends none twice.
CREATE TABLE loan_reminder (
  loan_id uuid NOT NULL REFERENCES loan,
  institution_id uuid NOT NULL,
  due date NOT NULL,
  kind text NOT NULL CHECK (kind IN ('ahead', 'today', 'late')),
  at timestamptz NOT NULL,
  PRIMARY KEY (loan_id, due, kind)
);
ALTER TABLE loan_reminder ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON loan_reminder
  USING (xq_side() = 'system' OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution()))
  WITH CHECK (xq_side() = 'system');

-- A measure of policy on many loans at once (批量政策措施): what was chosen, by whom, and where it stands.
CREATE TABLE bulk_action (
  id uuid PRIMARY KEY,
  institution_id uuid NOT NULL REFERENCES institution,
  title text NOT NULL,
  choice jsonb NOT NULL,                 -- servicing.bulk_action.Choice
  measure jsonb NOT NULL,                -- servicing.bulk_action.Measure
  approval_id uuid NOT NULL REFERENCES approval,
  state text NOT NULL CHECK (state IN ('proposed', 'refused', 'withdrawn', 'running', 'done', 'undoing', 'undone')),
  proposed_at timestamptz NOT NULL,
  undo_approval_id uuid REFERENCES approval,
  principal_cny numeric(18,2) NOT NULL,
  cost_cny numeric(18,2) NOT NULL,       -- estimate of the interest given up, or accruing through the gap
  loans int NOT NULL,
  digest text NOT NULL                   -- of the list that two people saw
);
CREATE INDEX bulk_action_institution ON bulk_action (institution_id, proposed_at);
ALTER TABLE bulk_action ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON bulk_action
  USING (xq_side() = 'system' OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution()))
  WITH CHECK (xq_side() = 'system' OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution()));
CREATE TABLE bulk_action_loan (
  action_id uuid NOT NULL REFERENCES bulk_action,
  loan_id uuid NOT NULL REFERENCES loan,
  institution_id uuid NOT NULL,
  company_id text NOT NULL,
  principal_cny numeric(18,2) NOT NULL,
  cost_cny numeric(18,2) NOT NULL,       -- estimate
  extra_cny numeric(18,2),               -- what the schedule asks for more than before, once done
  state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'done', 'failed', 'undone', 'kept')),
  seq int,                               -- the event it made
  note text NOT NULL DEFAULT '',
  PRIMARY KEY (action_id, loan_id)
);
CREATE INDEX bulk_action_loan_state ON bulk_action_loan (action_id, state, loan_id);
ALTER TABLE bulk_action_loan ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON bulk_action_loan
  USING (xq_side() = 'system' OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution()))
  WITH CHECK (xq_side() = 'system' OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution()));

-- A day's file of the bank's core system, compared with the book; the same bytes count once.
CREATE TABLE reconciliation (
  id uuid PRIMARY KEY,
  institution_id uuid NOT NULL REFERENCES institution,
  day date NOT NULL,
  digest text NOT NULL,
  source text NOT NULL,
  received_at timestamptz NOT NULL,
  by_name text NOT NULL,
  rows int NOT NULL,
  agreeing int NOT NULL,
  UNIQUE (institution_id, day, digest)
);
ALTER TABLE reconciliation ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON reconciliation
  USING (xq_side() = 'system' OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution()))
  WITH CHECK (xq_side() = 'system' OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution()));
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON reconciliation
  FOR EACH ROW EXECUTE FUNCTION xq_append_only();
CREATE TABLE reconciliation_difference (
  id uuid PRIMARY KEY,
  reconciliation_id uuid NOT NULL REFERENCES reconciliation,
  institution_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('missing_here', 'missing_there', 'amount', 'status')),
  subject text NOT NULL,                 -- balance: a loan's id; posting: an entry's id
  ours text NOT NULL,
  theirs text NOT NULL,
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'settled')),
  words text NOT NULL DEFAULT '',
  settled_by text NOT NULL DEFAULT '',
  settled_at timestamptz,
  CHECK ((state = 'settled') = (settled_at IS NOT NULL))
);
CREATE INDEX reconciliation_difference_open ON reconciliation_difference (institution_id, state);
CREATE INDEX reconciliation_difference_of ON reconciliation_difference (reconciliation_id);
ALTER TABLE reconciliation_difference ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON reconciliation_difference
  USING (xq_side() = 'system' OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution()))
  WITH CHECK (xq_side() = 'system' OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution()));

-- Entries the bank's core system has taken over, with the number it gave them.
CREATE TABLE core_posting (
  entry_id uuid PRIMARY KEY REFERENCES journal_entry,
  institution_id uuid NOT NULL,
  core_number text NOT NULL,
  sent_at timestamptz NOT NULL
);
CREATE INDEX core_posting_institution ON core_posting (institution_id);
ALTER TABLE core_posting ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON core_posting
  USING (xq_side() = 'system' OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution()))
  WITH CHECK (xq_side() = 'system' OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution()));
REVOKE DELETE, TRUNCATE ON loan_risk, debtor_risk, loan_class, provision_rates, loan_reminder, bulk_action, bulk_action_loan,
  reconciliation, reconciliation_difference, core_posting FROM xinqiao_app;

-- Day-end changes every open loan every day: the totals stay in the row, the terms stay out of the way.
ALTER TABLE loan ALTER COLUMN terms SET STORAGE EXTERNAL, ALTER COLUMN totals SET STORAGE MAIN,
  SET (fillfactor = 50, toast_tuple_target = 1024);
CREATE INDEX loan_batch ON loan (institution_id, id);
CREATE INDEX loan_to_judge ON loan (institution_id, company_id)
  WHERE state = 'open' AND (unpaid_since IS NOT NULL OR class <> 'normal' OR restructured_on IS NOT NULL);

-- What a loan earns a day as long as nothing happens to it, worked out by the engine when something did: its version
-- tells whether it still holds. Interest earned in all at the end of a day is base_cents, and on top, rounded,
-- raw + amount * days since from_day / basis; from the day it falls due after_cents. pen_*: the same for each
-- overdue instalment (罚息). rolls: at the due date the next line follows from the instalments alone.
CREATE TABLE accruing (
  loan_id uuid PRIMARY KEY REFERENCES loan,
  institution_id uuid NOT NULL,
  version int NOT NULL,
  base_cents bigint NOT NULL,
  raw numeric NOT NULL,
  amount numeric NOT NULL,
  from_day date NOT NULL,
  basis int NOT NULL,
  n int,                                 -- the running instalment, its due date, what interest comes to then
  until date,
  after_cents bigint NOT NULL,
  closing numeric NOT NULL,              -- principal by the schedule after it
  share numeric NOT NULL,                -- rate a year of the next line
  rolls boolean NOT NULL,
  open_due date,                         -- oldest due date with something unpaid
  pen_base_cents bigint NOT NULL,
  pen_raw numeric[] NOT NULL,
  pen_amount numeric[] NOT NULL,
  pen_from date[] NOT NULL,
  pen_basis int NOT NULL,
  pen_rate numeric NOT NULL,
  pen_compound boolean NOT NULL,
  pen_grace int NOT NULL
);
ALTER TABLE accruing SET (fillfactor = 70);
ALTER TABLE accruing ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON accruing USING (xq_side() = 'system') WITH CHECK (xq_side() = 'system');
