-- What a drawing is for (资金用途), and whom it is paid to where the bank pays the seller (受托支付).
CREATE TABLE loan_use (
  loan_id uuid PRIMARY KEY REFERENCES loan,
  company_id text NOT NULL,
  institution_id uuid NOT NULL REFERENCES institution,
  purpose text NOT NULL,                 -- a purpose of catalog/components
  payee_name text,
  payee_account text,
  CHECK ((payee_name IS NULL) = (payee_account IS NULL))
);
CREATE INDEX loan_use_institution ON loan_use (institution_id);
ALTER TABLE loan_use ENABLE ROW LEVEL SECURITY;
CREATE POLICY company ON loan_use FOR SELECT USING (xq_side() = 'enterprise' AND company_id = xq_company());
CREATE POLICY own ON loan_use FOR SELECT
  USING (xq_side() = 'system' OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution()));
CREATE POLICY add ON loan_use FOR INSERT
  WITH CHECK (xq_side() = 'system' OR (xq_side() IN ('bank', 'guarantee') AND institution_id = xq_institution()));
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON loan_use FOR EACH ROW EXECUTE FUNCTION xq_append_only();
