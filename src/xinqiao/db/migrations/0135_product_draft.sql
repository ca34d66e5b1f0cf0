-- A product as somebody of an institution is composing it: its text, checked at every step, not yet on the shelf.
-- seen: the steps saved once; faults of others are not yet told. offer_id: what was proposed from it, and then the draft stays.
CREATE TABLE product_draft (
  id uuid PRIMARY KEY,
  institution_id uuid NOT NULL REFERENCES institution,
  text text NOT NULL,
  based_on text,
  seen text[] NOT NULL DEFAULT '{}',
  revision int NOT NULL DEFAULT 1,
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'proposed', 'dropped')),
  offer_id uuid REFERENCES institution_product,
  made_by uuid REFERENCES person,
  made_name text NOT NULL,
  made_at timestamptz NOT NULL,
  changed_at timestamptz NOT NULL,
  CHECK ((state = 'proposed') = (offer_id IS NOT NULL))
);
CREATE INDEX product_draft_open ON product_draft (institution_id) WHERE state = 'open';
ALTER TABLE product_draft ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON product_draft
  USING (xq_side() = 'system' OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution()))
  WITH CHECK (xq_side() = 'system' OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution()));
CREATE FUNCTION xq_product_draft_stays() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF OLD.state <> 'open' THEN
    RAISE EXCEPTION 'a draft once proposed or dropped stays' USING ERRCODE = 'XQ001';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER stays BEFORE UPDATE ON product_draft FOR EACH ROW EXECUTE FUNCTION xq_product_draft_stays();
REVOKE DELETE, TRUNCATE ON product_draft FROM xinqiao_app;
