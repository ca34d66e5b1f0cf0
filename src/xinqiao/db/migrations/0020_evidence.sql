-- The transparency log. Each recorded act has one line (kind, time, commitment; no name in it), which is
-- public. What the commitment hides is kept beside it and can be deleted: then nobody can tell what, or
-- whom, the line is about, and the log still verifies.
CREATE TABLE evidence_entry (
  id uuid PRIMARY KEY,
  kind text NOT NULL,
  recorded_at timestamptz NOT NULL,
  suite text NOT NULL,
  line text NOT NULL
);
ALTER TABLE evidence_entry ENABLE ROW LEVEL SECURITY;
CREATE POLICY look ON evidence_entry FOR SELECT USING (true);
CREATE POLICY add ON evidence_entry FOR INSERT WITH CHECK (xq_side() <> 'none');
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON evidence_entry
  FOR EACH ROW EXECUTE FUNCTION xq_append_only();

-- What opens a commitment. Read by the company or person it is about and by the institution that acted.
CREATE TABLE evidence_opening (
  entry_id uuid PRIMARY KEY REFERENCES evidence_entry,
  subject text,
  institution uuid,
  salt bytea NOT NULL,
  body bytea NOT NULL,
  attached bytea
);
CREATE INDEX evidence_opening_subject ON evidence_opening (subject, entry_id);
CREATE INDEX evidence_opening_institution ON evidence_opening (institution, entry_id);
ALTER TABLE evidence_opening ENABLE ROW LEVEL SECURITY;
CREATE POLICY look ON evidence_opening FOR SELECT USING (
  xq_side() = 'system' OR subject = xq_company() OR subject = xq_person()::text
  OR institution = xq_institution());
CREATE POLICY add ON evidence_opening FOR INSERT WITH CHECK (xq_side() <> 'none');
CREATE POLICY forget ON evidence_opening FOR DELETE USING (xq_side() = 'system');
CREATE TRIGGER no_change BEFORE UPDATE ON evidence_opening
  FOR EACH ROW EXECUTE FUNCTION xq_append_only();

-- Lines that have no place in the log yet. Writers only insert, the sequencer takes them away in batches.
CREATE TABLE evidence_pending (
  entry_id uuid PRIMARY KEY REFERENCES evidence_entry
);
ALTER TABLE evidence_pending ENABLE ROW LEVEL SECURITY;
CREATE POLICY add ON evidence_pending FOR INSERT WITH CHECK (xq_side() <> 'none');
CREATE POLICY sequence ON evidence_pending USING (xq_side() = 'system');

-- Place of each line in the log, from 0 without gaps.
CREATE TABLE log_leaf (
  idx bigint PRIMARY KEY,
  entry_id uuid NOT NULL UNIQUE REFERENCES evidence_entry
);
ALTER TABLE log_leaf ENABLE ROW LEVEL SECURITY;
CREATE POLICY look ON log_leaf FOR SELECT USING (true);
CREATE POLICY add ON log_leaf FOR INSERT WITH CHECK (xq_side() = 'system');
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON log_leaf
  FOR EACH ROW EXECUTE FUNCTION xq_append_only();

-- Hashes of complete subtrees: level 0 are leaves, the node (l, p) covers the leaves p*2^l to (p+1)*2^l - 1.
CREATE TABLE log_node (
  level smallint NOT NULL,
  place bigint NOT NULL,
  hash bytea NOT NULL,
  PRIMARY KEY (level, place)
);
ALTER TABLE log_node ENABLE ROW LEVEL SECURITY;
CREATE POLICY look ON log_node FOR SELECT USING (true);
CREATE POLICY add ON log_node FOR INSERT WITH CHECK (xq_side() = 'system');
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON log_node
  FOR EACH ROW EXECUTE FUNCTION xq_append_only();

-- Signed sizes and roots, as signed notes without cosignatures.
CREATE TABLE log_checkpoint (
  size bigint PRIMARY KEY,
  note text NOT NULL,
  signed_at timestamptz NOT NULL
);
ALTER TABLE log_checkpoint ENABLE ROW LEVEL SECURITY;
CREATE POLICY look ON log_checkpoint FOR SELECT USING (true);
CREATE POLICY add ON log_checkpoint FOR INSERT WITH CHECK (xq_side() = 'system');
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON log_checkpoint
  FOR EACH ROW EXECUTE FUNCTION xq_append_only();

-- Who may cosign: public keys of members' witnesses, put here by the operator.
CREATE TABLE log_witness (
  name text PRIMARY KEY,
  key text NOT NULL,
  added_at timestamptz NOT NULL,
  added_by uuid
);
ALTER TABLE log_witness ENABLE ROW LEVEL SECURITY;
CREATE POLICY look ON log_witness FOR SELECT USING (true);
CREATE POLICY write ON log_witness FOR INSERT WITH CHECK (xq_side() IN ('system', 'operator'));
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON log_witness
  FOR EACH ROW EXECUTE FUNCTION xq_append_only();

CREATE TABLE log_cosignature (
  size bigint NOT NULL REFERENCES log_checkpoint,
  witness text NOT NULL REFERENCES log_witness,
  line text NOT NULL,
  signed_at timestamptz NOT NULL,
  PRIMARY KEY (size, witness)
);
ALTER TABLE log_cosignature ENABLE ROW LEVEL SECURITY;
CREATE POLICY look ON log_cosignature FOR SELECT USING (true);
CREATE POLICY add ON log_cosignature FOR INSERT WITH CHECK (xq_side() = 'system');
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON log_cosignature
  FOR EACH ROW EXECUTE FUNCTION xq_append_only();

-- Name and key of this log; the private key is sealed under the platform's keyring.
CREATE TABLE log_identity (
  single boolean PRIMARY KEY DEFAULT true CHECK (single),
  origin text NOT NULL,
  suite text NOT NULL,
  public_key bytea NOT NULL,
  sealed_key text NOT NULL
);
ALTER TABLE log_identity ENABLE ROW LEVEL SECURITY;
CREATE POLICY platform ON log_identity USING (xq_side() = 'system') WITH CHECK (xq_side() = 'system');

-- What anybody may know of it.
CREATE TABLE log_public_key (
  single boolean PRIMARY KEY DEFAULT true CHECK (single),
  suite text NOT NULL,
  key text NOT NULL
);
ALTER TABLE log_public_key ENABLE ROW LEVEL SECURITY;
CREATE POLICY look ON log_public_key FOR SELECT USING (true);
CREATE POLICY add ON log_public_key FOR INSERT WITH CHECK (xq_side() = 'system');
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON log_public_key
  FOR EACH ROW EXECUTE FUNCTION xq_append_only();
