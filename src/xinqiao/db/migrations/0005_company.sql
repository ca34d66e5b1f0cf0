-- The public register: anybody may look a firm up; only the platform writes.
CREATE TABLE company (
  id text PRIMARY KEY,
  name text NOT NULL,
  uscc text,
  kind text,
  status text,
  industry text,
  division text,
  size text,
  established_on date
);
CREATE INDEX company_uscc ON company (uscc);
ALTER TABLE company ENABLE ROW LEVEL SECURITY;
CREATE POLICY look ON company FOR SELECT USING (true);
CREATE POLICY write ON company USING (xq_side() = 'system') WITH CHECK (xq_side() = 'system');

-- Credit files: read by the platform only, which hands on what a grant covers (portrait.credit_file).
CREATE TABLE credit_file (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  company_id text NOT NULL,
  as_of date NOT NULL,
  digest text NOT NULL,
  body jsonb NOT NULL,
  UNIQUE (company_id, as_of, digest)
);
ALTER TABLE credit_file ENABLE ROW LEVEL SECURITY;
CREATE POLICY platform ON credit_file USING (xq_side() = 'system') WITH CHECK (xq_side() = 'system');
CREATE TRIGGER append_only BEFORE UPDATE ON credit_file FOR EACH ROW EXECUTE FUNCTION xq_append_only();

-- Score models in use, exact bytes; a bank's own cards live with the bank.
CREATE TABLE model (
  id text PRIMARY KEY,
  body bytea NOT NULL
);
