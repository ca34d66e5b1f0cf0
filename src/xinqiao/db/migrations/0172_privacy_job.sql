-- A job's manifest never changes once it is kept, and what is done, refused or expired stays so.
CREATE FUNCTION xq_privacy_job() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF OLD.state IN ('done', 'refused', 'expired') OR NEW.manifest <> OLD.manifest OR NEW.digest <> OLD.digest
     OR (NEW.state = 'running' AND OLD.state NOT IN ('running', 'ready', 'failed')) THEN
    RAISE EXCEPTION 'job % is % and its manifest is signed', OLD.id, OLD.state USING ERRCODE = 'XQ001';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER settled BEFORE UPDATE ON privacy_job FOR EACH ROW EXECUTE FUNCTION xq_privacy_job();
