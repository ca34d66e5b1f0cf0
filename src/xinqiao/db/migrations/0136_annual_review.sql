-- Loans beyond a year are judged again every year: a task of the bank, made by a timer some weeks ahead, done by a person.
CREATE TABLE annual_review (
  id uuid PRIMARY KEY,
  facility_id uuid NOT NULL REFERENCES facility,
  institution_id uuid NOT NULL REFERENCES institution,
  due_on date NOT NULL,
  made_at timestamptz NOT NULL,
  outcome text CHECK (outcome IN ('kept', 'frozen')),
  note text,
  done_by uuid REFERENCES person,
  done_name text,
  done_at timestamptz,
  UNIQUE (facility_id, due_on),
  CHECK (num_nulls(outcome, note, done_name, done_at) IN (0, 4))
);
CREATE INDEX annual_review_open ON annual_review (institution_id, due_on) WHERE outcome IS NULL;
ALTER TABLE annual_review ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON annual_review
  USING (xq_side() = 'system' OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution()))
  WITH CHECK (xq_side() = 'system' OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution()));
CREATE FUNCTION xq_annual_review_stays() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF OLD.outcome IS NOT NULL OR (NEW.id, NEW.facility_id, NEW.institution_id, NEW.due_on)
      IS DISTINCT FROM (OLD.id, OLD.facility_id, OLD.institution_id, OLD.due_on) THEN
    RAISE EXCEPTION 'a review once done stays' USING ERRCODE = 'XQ001';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER stays BEFORE UPDATE ON annual_review FOR EACH ROW EXECUTE FUNCTION xq_annual_review_stays();
REVOKE DELETE, TRUNCATE ON annual_review FROM xinqiao_app;
