-- Needs that firms post for institutions to answer. The firm's name stands apart: institutions see it only where
-- the firm wants that; what they see otherwise says nothing a register search would lead back from.
CREATE TABLE need (
  id uuid PRIMARY KEY,
  amount_cny numeric(18, 2) NOT NULL CHECK (amount_cny > 0),
  term_months int NOT NULL CHECK (term_months BETWEEN 1 AND 360),
  use text NOT NULL,
  about text NOT NULL DEFAULT '',
  industry_section text,
  city text,
  size text,
  grade text,
  made_at timestamptz NOT NULL,
  until timestamptz NOT NULL,
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closed')),
  closed_at timestamptz
);
CREATE TABLE need_owner (
  need_id uuid PRIMARY KEY REFERENCES need,
  company_id text NOT NULL,
  request_id uuid NOT NULL REFERENCES loan_request,
  named boolean NOT NULL
);
CREATE INDEX need_owner_company ON need_owner (company_id);
CREATE INDEX need_open ON need (made_at) WHERE state = 'open';

CREATE TABLE need_answer (
  id uuid PRIMARY KEY,
  need_id uuid NOT NULL REFERENCES need,
  institution_id uuid NOT NULL REFERENCES institution,
  offer_id uuid NOT NULL REFERENCES institution_product,
  words text NOT NULL,
  by_person uuid NOT NULL,
  at timestamptz NOT NULL,
  UNIQUE (need_id, offer_id)
);
CREATE INDEX need_answer_institution ON need_answer (institution_id);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON need_answer
  FOR EACH ROW EXECUTE FUNCTION xq_append_only();

ALTER TABLE need_owner ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON need_owner USING (xq_side() = 'enterprise' AND company_id = xq_company())
  WITH CHECK (xq_side() = 'enterprise' AND company_id = xq_company());
CREATE POLICY named ON need_owner FOR SELECT USING (xq_side() IN ('bank', 'guarantee') AND named);
CREATE POLICY platform ON need_owner USING (xq_side() = 'system') WITH CHECK (xq_side() = 'system');

-- An owner stands beside every need of its own; a need is made before its owner, hence the insert is open to firms.
ALTER TABLE need ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON need FOR SELECT USING (xq_side() = 'enterprise'
  AND EXISTS (SELECT FROM need_owner o WHERE o.need_id = need.id AND o.company_id = xq_company()));
CREATE POLICY close ON need FOR UPDATE USING (xq_side() = 'enterprise'
  AND EXISTS (SELECT FROM need_owner o WHERE o.need_id = need.id AND o.company_id = xq_company()));
CREATE POLICY post ON need FOR INSERT WITH CHECK (xq_side() = 'enterprise');
CREATE POLICY lenders ON need FOR SELECT USING (xq_side() IN ('bank', 'guarantee') AND state = 'open');
CREATE POLICY platform ON need USING (xq_side() = 'system') WITH CHECK (xq_side() = 'system');

ALTER TABLE need_answer ENABLE ROW LEVEL SECURITY;
CREATE POLICY institution ON need_answer USING (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution())
  WITH CHECK (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution());
CREATE POLICY firm ON need_answer FOR SELECT USING (xq_side() = 'enterprise'
  AND EXISTS (SELECT FROM need_owner o WHERE o.need_id = need_answer.need_id AND o.company_id = xq_company()));
CREATE POLICY platform ON need_answer USING (xq_side() = 'system') WITH CHECK (xq_side() = 'system');
