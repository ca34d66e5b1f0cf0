-- Which institution offers which product, version by version. A row on offer is public; a draft is its institution's.
-- A loan keeps the row it was made under, so what was once open is closed, never changed or deleted.
CREATE TABLE institution_product (
  id uuid PRIMARY KEY,
  institution_id uuid NOT NULL REFERENCES institution,
  product_id text NOT NULL,
  version text NOT NULL,
  state text NOT NULL CHECK (state IN ('draft', 'open', 'closed')),
  effective_from date NOT NULL,
  effective_to date,
  source text,
  quota_cny numeric(18, 2) CHECK (quota_cny > 0),
  proposed_by uuid REFERENCES person,
  released_by uuid REFERENCES person,
  closed_by uuid REFERENCES person,
  changed_at timestamptz NOT NULL,
  UNIQUE (institution_id, product_id, version),
  CHECK (effective_to >= effective_from),
  CONSTRAINT four_eyes CHECK (state = 'draft' OR proposed_by IS NULL OR released_by <> proposed_by),
  CONSTRAINT released CHECK (state = 'draft' OR proposed_by IS NULL OR released_by IS NOT NULL)
);
COMMENT ON COLUMN institution_product.source IS 'the product as the institution wrote it; null: the catalog''s';
COMMENT ON COLUMN institution_product.quota_cny IS 'what the institution lends under it a month at most; null: no quota';
-- One version is on offer without end; one before it may still be open that ends the day before it begins.
CREATE UNIQUE INDEX institution_product_open ON institution_product (institution_id, product_id)
  WHERE state = 'open' AND effective_to IS NULL;
ALTER TABLE institution_product ENABLE ROW LEVEL SECURITY;
CREATE POLICY shelf ON institution_product FOR SELECT USING (
  state <> 'draft' OR xq_side() = 'system' OR institution_id = xq_institution());
CREATE POLICY add ON institution_product FOR INSERT WITH CHECK (
  xq_side() = 'system'
  OR xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution() AND state = 'draft' AND proposed_by = xq_person());
CREATE POLICY change ON institution_product FOR UPDATE USING (
  xq_side() = 'system' OR xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution()
) WITH CHECK (
  xq_side() = 'system' OR xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution());

CREATE FUNCTION xq_product_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF TG_OP = 'DELETE' OR OLD.state = 'closed'
     OR (NEW.id, NEW.institution_id, NEW.product_id, NEW.version, NEW.source, NEW.proposed_by)
        IS DISTINCT FROM (OLD.id, OLD.institution_id, OLD.product_id, OLD.version, OLD.source, OLD.proposed_by)
     OR (OLD.state = 'open' AND NEW.state = 'draft')
     OR (xq_side() <> 'system' AND NEW.state = 'open' AND OLD.state = 'draft'
         AND NEW.released_by IS DISTINCT FROM xq_person()) THEN
    RAISE EXCEPTION 'a product version is opened and closed, never rewritten' USING ERRCODE = 'XQ001';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER versions_stay BEFORE UPDATE OR DELETE ON institution_product
  FOR EACH ROW EXECUTE FUNCTION xq_product_change();

-- Policy news for firms: published by the operator, for the audience it names (empty: everybody).
CREATE TABLE policy_news (
  id uuid PRIMARY KEY,
  title_zh text NOT NULL CHECK (length(title_zh) BETWEEN 1 AND 200),
  title_en text NOT NULL CHECK (length(title_en) BETWEEN 1 AND 300),
  body_zh text NOT NULL CHECK (length(body_zh) <= 5000),
  body_en text NOT NULL CHECK (length(body_en) <= 8000),
  sections text[] NOT NULL DEFAULT '{}',
  sizes text[] NOT NULL DEFAULT '{}',
  divisions text[] NOT NULL DEFAULT '{}',
  products text[] NOT NULL DEFAULT '{}',
  published_by uuid REFERENCES person,
  published_at timestamptz NOT NULL
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON policy_news FOR EACH ROW EXECUTE FUNCTION xq_append_only();
ALTER TABLE policy_news ENABLE ROW LEVEL SECURITY;
CREATE POLICY look ON policy_news FOR SELECT USING (true);
CREATE POLICY publish ON policy_news FOR INSERT WITH CHECK (
  xq_side() = 'system' OR xq_side() = 'operator' AND published_by = xq_person());

-- What a company wants to be told; no row: everything.
CREATE TABLE push_choice (
  company_id text PRIMARY KEY,
  news boolean NOT NULL,
  products boolean NOT NULL,
  chosen_at timestamptz NOT NULL
);
ALTER TABLE push_choice ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON push_choice USING (xq_side() = 'system' OR company_id = xq_company());

-- What a company has been told already, so that it is told once.
CREATE TABLE push_told (
  company_id text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('news', 'product')),
  subject uuid NOT NULL,
  told_at timestamptz NOT NULL,
  PRIMARY KEY (company_id, kind, subject)
);
ALTER TABLE push_told ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON push_told FOR SELECT USING (xq_side() = 'system' OR company_id = xq_company());
CREATE POLICY platform ON push_told FOR INSERT WITH CHECK (xq_side() = 'system');
