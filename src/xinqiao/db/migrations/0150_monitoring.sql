-- How each loan stood at the end of a month: what vintages, rolls and migrations are made of. Written once, when the month is over.
CREATE TABLE loan_month (
  institution_id uuid NOT NULL REFERENCES institution,
  loan_id uuid NOT NULL REFERENCES loan,
  on_date date NOT NULL,
  company_id text NOT NULL,
  principal_cny numeric(18,2) NOT NULL,
  days_past_due int NOT NULL CHECK (days_past_due >= 0),
  class text NOT NULL,
  state text NOT NULL CHECK (state IN ('open', 'closed', 'written_off')),
  PRIMARY KEY (loan_id, on_date)
);
CREATE INDEX loan_month_of ON loan_month (institution_id, on_date);
CREATE INDEX loan_month_company ON loan_month (institution_id, company_id, on_date);

-- A signal about a borrower, from the day it was first raised until it was silent again.
CREATE TABLE warning_signal (
  id uuid PRIMARY KEY,
  institution_id uuid NOT NULL REFERENCES institution,
  company_id text NOT NULL,
  signal text NOT NULL,
  level text NOT NULL CHECK (level IN ('yellow', 'orange', 'red')),
  raised_on date NOT NULL,
  as_of date NOT NULL,                   -- of what it was read from
  ended_on date CHECK (ended_on >= raised_on)
);
CREATE UNIQUE INDEX warning_signal_open ON warning_signal (institution_id, company_id, signal) WHERE ended_on IS NULL;

-- How the last round found a borrower: the file it could read (null: no grant, or no file), signals nobody can tell, the model's risk.
CREATE TABLE warning_state (
  institution_id uuid NOT NULL REFERENCES institution,
  company_id text NOT NULL,
  looked_on date NOT NULL,
  file_as_of date,
  unread text NOT NULL DEFAULT '',       -- code of the refusal where the file could not be read
  unknown text[] NOT NULL DEFAULT '{}',
  level text CHECK (level IN ('yellow', 'orange', 'red')),
  weight int NOT NULL,
  grade text,                            -- of the file, and the probability of default that goes with it
  pd numeric(7,6),
  pd_6m numeric(7,6),                    -- by the hazard model
  pd_12m numeric(7,6),
  PRIMARY KEY (institution_id, company_id)
);

-- The watch-list (关注名单): a borrower enters by rule or by a person, and leaves by a person, each with the reason.
CREATE TABLE watch_entry (
  id uuid PRIMARY KEY,
  institution_id uuid NOT NULL REFERENCES institution,
  company_id text NOT NULL,
  level text NOT NULL CHECK (level IN ('yellow', 'orange', 'red')),
  entered_on date NOT NULL,
  left_on date
);
CREATE UNIQUE INDEX watch_entry_open ON watch_entry (institution_id, company_id) WHERE left_on IS NULL;
CREATE TABLE watch_event (
  id uuid PRIMARY KEY,
  entry_id uuid NOT NULL REFERENCES watch_entry,
  institution_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('entered', 'level', 'left', 'note')),
  level text NOT NULL,
  reason text NOT NULL,
  signals text[] NOT NULL DEFAULT '{}',
  by_name text NOT NULL,
  at timestamptz NOT NULL
);
CREATE INDEX watch_event_entry ON watch_event (entry_id, at);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON watch_event FOR EACH ROW EXECUTE FUNCTION xq_append_only();

-- What an officer has to do about a borrower on the list, until when, and what came of it.
CREATE TABLE watch_task (
  id uuid PRIMARY KEY,
  entry_id uuid NOT NULL REFERENCES watch_entry,
  institution_id uuid NOT NULL,
  company_id text NOT NULL,
  level text NOT NULL,
  made_on date NOT NULL,
  due_on date NOT NULL,
  escalated boolean NOT NULL DEFAULT false,  -- an approver was told that it is overdue
  result text CHECK (result IN ('no_concern', 'keep_watching', 'limit_frozen', 'security_added', 'repayment_agreed', 'collect')),
  words text NOT NULL DEFAULT '',
  done_by text,
  done_at timestamptz,
  CHECK ((result IS NULL) = (done_at IS NULL))
);
CREATE INDEX watch_task_open ON watch_task (institution_id, due_on) WHERE result IS NULL;
CREATE FUNCTION xq_watch_task() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF OLD.result IS NOT NULL THEN
    RAISE EXCEPTION 'a task is done once' USING ERRCODE = 'XQ001';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER done_once BEFORE UPDATE ON watch_task FOR EACH ROW EXECUTE FUNCTION xq_watch_task();

DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['loan_month', 'warning_signal', 'warning_state', 'watch_entry', 'watch_event', 'watch_task'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY own ON %I USING (xq_side() = ''system'' OR '
      '(xq_side() IN (''bank'', ''guarantee'') AND institution_id = xq_institution())) '
      'WITH CHECK (xq_side() = ''system'' OR '
      '(xq_side() IN (''bank'', ''guarantee'') AND institution_id = xq_institution()))', name);
  END LOOP;
END $$;
REVOKE DELETE, TRUNCATE ON loan_month, warning_signal, warning_state, watch_entry, watch_event, watch_task FROM xinqiao_app;
