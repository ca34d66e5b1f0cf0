-- Where an institution's programs want to be told, and each message on its way there.
CREATE TABLE webhook_endpoint (
  id uuid PRIMARY KEY,
  institution_id uuid NOT NULL REFERENCES institution,
  url text NOT NULL,
  kinds text[] NOT NULL CHECK (cardinality(kinds) > 0),
  sealed_secret text NOT NULL,
  made_at timestamptz NOT NULL,
  made_by text NOT NULL,
  ended_at timestamptz
);
CREATE INDEX webhook_endpoint_institution ON webhook_endpoint (institution_id) WHERE ended_at IS NULL;
ALTER TABLE webhook_endpoint ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON webhook_endpoint USING (xq_side() = 'system' OR institution_id = xq_institution())
  WITH CHECK (xq_side() = 'system' OR institution_id = xq_institution());

-- The body is kept as sent, byte for byte: a signature covers it, and sending it again sends the same.
CREATE TABLE webhook_message (
  id uuid PRIMARY KEY,
  endpoint_id uuid NOT NULL REFERENCES webhook_endpoint,
  institution_id uuid NOT NULL REFERENCES institution,
  event_id uuid NOT NULL,
  kind text NOT NULL,
  body bytea NOT NULL,
  made_at timestamptz NOT NULL,
  due_at timestamptz,
  attempts int NOT NULL DEFAULT 0,
  delivered_at timestamptz,
  CHECK (delivered_at IS NULL OR due_at IS NULL),
  UNIQUE (endpoint_id, event_id)
);
COMMENT ON COLUMN webhook_message.due_at IS 'null: delivered, or given up';
CREATE INDEX webhook_message_due ON webhook_message (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX webhook_message_institution ON webhook_message (institution_id, id);
ALTER TABLE webhook_message ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON webhook_message USING (xq_side() = 'system' OR institution_id = xq_institution())
  WITH CHECK (xq_side() = 'system' OR institution_id = xq_institution());

CREATE TABLE webhook_attempt (
  id uuid PRIMARY KEY,
  message_id uuid NOT NULL REFERENCES webhook_message,
  institution_id uuid NOT NULL REFERENCES institution,
  at timestamptz NOT NULL,
  status int,
  detail text NOT NULL,
  millis int NOT NULL
);
CREATE INDEX webhook_attempt_message ON webhook_attempt (message_id, id);
ALTER TABLE webhook_attempt ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON webhook_attempt USING (xq_side() = 'system' OR institution_id = xq_institution())
  WITH CHECK (xq_side() = 'system');
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON webhook_attempt
  FOR EACH ROW EXECUTE FUNCTION xq_append_only();

-- Which outside platform a firm came by: it is told how the application goes, as the firm agreed.
CREATE TABLE referral (
  id uuid PRIMARY KEY,
  company_id text NOT NULL,
  platform_id uuid NOT NULL REFERENCES institution,
  client text NOT NULL,
  reference text NOT NULL,
  grant_id uuid NOT NULL,
  case_id uuid,
  made_at timestamptz NOT NULL,
  UNIQUE (platform_id, reference)
);
CREATE UNIQUE INDEX referral_case ON referral (case_id) WHERE case_id IS NOT NULL;
ALTER TABLE referral ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON referral USING (xq_side() = 'system' OR platform_id = xq_institution()
    OR company_id = xq_company())
  WITH CHECK (xq_side() = 'system' OR platform_id = xq_institution());

-- Sites that may show our pages in a frame.
CREATE TABLE embed_site (
  id uuid PRIMARY KEY,
  institution_id uuid NOT NULL REFERENCES institution,
  name text NOT NULL,
  origins text[] NOT NULL CHECK (cardinality(origins) BETWEEN 1 AND 10),
  made_at timestamptz NOT NULL,
  made_by text NOT NULL,
  ended_at timestamptz
);
ALTER TABLE embed_site ENABLE ROW LEVEL SECURITY;
CREATE POLICY look ON embed_site FOR SELECT USING (true);
CREATE POLICY own ON embed_site USING (xq_side() = 'system' OR institution_id = xq_institution())
  WITH CHECK (xq_side() = 'system' OR institution_id = xq_institution());

-- Batch files: a list of firms in, one line of answer a firm out.
CREATE TABLE batch_file (
  id uuid PRIMARY KEY,
  institution_id uuid NOT NULL REFERENCES institution,
  client text,
  person_id uuid,
  actor jsonb NOT NULL,
  purpose text NOT NULL,
  companies text[] NOT NULL CHECK (cardinality(companies) BETWEEN 1 AND 10000),
  made_at timestamptz NOT NULL,
  done_at timestamptz
);
ALTER TABLE batch_file ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON batch_file USING (xq_side() = 'system' OR institution_id = xq_institution())
  WITH CHECK (xq_side() = 'system' OR institution_id = xq_institution());

CREATE TABLE batch_line (
  batch_id uuid NOT NULL REFERENCES batch_file,
  place int NOT NULL,
  institution_id uuid NOT NULL REFERENCES institution,
  answer jsonb NOT NULL,
  PRIMARY KEY (batch_id, place)
);
ALTER TABLE batch_line ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON batch_line USING (xq_side() = 'system' OR institution_id = xq_institution())
  WITH CHECK (xq_side() = 'system' OR institution_id = xq_institution());
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON batch_line
  FOR EACH ROW EXECUTE FUNCTION xq_append_only();

-- What a read of a firm that covers a source costs, as agreed with its holder.
CREATE TABLE supply_price (
  id uuid PRIMARY KEY,
  institution_id uuid NOT NULL REFERENCES institution,
  source text NOT NULL,
  from_on date NOT NULL,
  fee_cny numeric(18, 2) NOT NULL CHECK (fee_cny >= 0),
  UNIQUE (institution_id, source, from_on)
);
ALTER TABLE supply_price ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON supply_price FOR SELECT USING (
  xq_side() IN ('system', 'operator') OR institution_id = xq_institution());
CREATE POLICY write ON supply_price FOR INSERT WITH CHECK (xq_side() IN ('system', 'operator'));

-- Files a holder delivered and what became of their rows.
CREATE TABLE holder_delivery (
  id uuid PRIMARY KEY,
  institution_id uuid NOT NULL REFERENCES institution,
  contract text NOT NULL,
  file_name text NOT NULL,
  sha256 text NOT NULL,
  bytes bigint NOT NULL,
  delivered_by text NOT NULL,
  at timestamptz NOT NULL,
  already boolean NOT NULL,
  rows_read bigint NOT NULL,
  rows_kept bigint NOT NULL,
  rows_repaired bigint NOT NULL,
  rows_quarantined bigint NOT NULL,
  rules jsonb NOT NULL,
  quarantine text,
  CHECK (rows_read = rows_kept + rows_quarantined)
);
CREATE INDEX holder_delivery_institution ON holder_delivery (institution_id, id);
ALTER TABLE holder_delivery ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON holder_delivery USING (xq_side() = 'system' OR institution_id = xq_institution())
  WITH CHECK (institution_id = xq_institution());
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON holder_delivery
  FOR EACH ROW EXECUTE FUNCTION xq_append_only();

-- What a firm was when it applied: what statistics divide by. For the platform's own counting only.
CREATE TABLE case_fact (
  case_id uuid PRIMARY KEY REFERENCES lending_case,
  company_id text NOT NULL,
  section text,
  division text,
  size text,
  first_time boolean
);
COMMENT ON COLUMN case_fact.first_time IS 'no loan on record before; null: not known';
ALTER TABLE case_fact ENABLE ROW LEVEL SECURITY;
CREATE POLICY platform ON case_fact USING (xq_side() = 'system') WITH CHECK (xq_side() = 'system');

-- How many firms each kind of record is about, counted now and then: it reads every credit file.
CREATE TABLE coverage_count (
  made_at timestamptz PRIMARY KEY,
  firms int NOT NULL,
  contracts jsonb NOT NULL
);
ALTER TABLE coverage_count ENABLE ROW LEVEL SECURITY;
CREATE POLICY platform ON coverage_count USING (xq_side() = 'system') WITH CHECK (xq_side() = 'system');
