-- Why: one append-only ledger of trades and certificates.
--   ledger_entry         what happened, in order; each entry carries the hash of the one before it
--   trade_curve          hours of a trade, belonging to the entry that brought them
-- The database itself numbers and chains entries and refuses to change or remove any. Settlements and
-- cancelled certificates known so far become entries; their tables go.
-- Locks: ACCESS EXCLUSIVE on trade and certificate, which are dropped. Transaction: on.
CREATE TABLE ledger_entry (
    park_id     smallint NOT NULL REFERENCES park,
    seq         bigint NOT NULL,
    enterprise_id integer NOT NULL REFERENCES enterprise,
    event       text NOT NULL CHECK (event IN ('contracted', 'settled', 'curve', 'issued', 'received',
                'transferred', 'reserved', 'released', 'cancelled', 'expired', 'withdrawn')),
    month       date NOT NULL CHECK (extract(day FROM month) = 1),
    energy_wh   bigint NOT NULL CHECK (energy_wh >= 0),
    contract    text,
    kind        text CHECK (kind IN ('green', 'nuclear')),
    contracted_wh bigint CHECK (contracted_wh >= 0),
    generated_wh bigint CHECK (generated_wh >= 0),
    used_wh     bigint CHECK (used_wh >= 0),
    curve_sha256 bytea,
    series      text,
    serial_first bigint,
    serial_last bigint CHECK (serial_last >= serial_first),
    basis       text CHECK (basis IN ('standalone', 'trade', 'self_use')),
    from_state  text CHECK (from_state IN ('held', 'reserved', 'cancelled')),
    from_enterprise_id integer REFERENCES enterprise,
    event_on    date,
    import_batch_id bigint NOT NULL REFERENCES import_batch,
    recorded_at timestamptz NOT NULL,
    previous_hash bytea NOT NULL,
    hash        bytea NOT NULL,
    PRIMARY KEY (park_id, seq)
);
COMMENT ON TABLE ledger_entry IS 'trades and certificates (GEC, one serial = 1 MWh): append-only, a chain of hashes per park';
COMMENT ON COLUMN ledger_entry.month IS 'month of generation, first day: a claim belongs to this year';
COMMENT ON COLUMN ledger_entry.energy_wh IS 'settled, contracted, of the curve, or of the serials; integer Wh';
COMMENT ON COLUMN ledger_entry.contracted_wh IS 'agreed energy of the month, integer Wh';
COMMENT ON COLUMN ledger_entry.generated_wh IS 'what the generator fed into the grid, integer Wh';
COMMENT ON COLUMN ledger_entry.used_wh IS 'what the buyer used, integer Wh';
COMMENT ON COLUMN ledger_entry.from_state IS 'state of the serials before the event; null: unknown until then';
COMMENT ON COLUMN ledger_entry.from_enterprise_id IS 'holder of the serials before the event';
COMMENT ON COLUMN ledger_entry.hash IS 'SHA-256 of previous_hash and ledger_text of the entry';
CREATE INDEX ledger_entry_by_serial ON ledger_entry (series, serial_first);
CREATE INDEX ledger_entry_by_contract ON ledger_entry (enterprise_id, contract, month);

CREATE TABLE trade_curve (
    park_id     smallint NOT NULL,
    seq         bigint NOT NULL,
    hour_start  timestamptz NOT NULL,
    energy_wh   bigint NOT NULL CHECK (energy_wh >= 0),
    PRIMARY KEY (park_id, seq, hour_start),
    FOREIGN KEY (park_id, seq) REFERENCES ledger_entry
);
COMMENT ON TABLE trade_curve IS 'hours of a trade; those of the newest curve entry of a contract and month count';
COMMENT ON COLUMN trade_curve.energy_wh IS 'delivered in the hour, integer Wh';

-- Fields in their order, each closed by U+001F; null is empty.
CREATE FUNCTION ledger_text(e ledger_entry) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT concat(e.park_id, x, e.seq, x, e.enterprise_id, x, e.event, x,
        to_char(e.month, 'YYYY-MM-DD'), x, e.energy_wh, x, e.contract, x, e.kind, x,
        e.contracted_wh, x, e.generated_wh, x, e.used_wh, x, encode(e.curve_sha256, 'hex'), x,
        e.series, x, e.serial_first, x, e.serial_last, x, e.basis, x, e.from_state, x,
        e.from_enterprise_id, x, to_char(e.event_on, 'YYYY-MM-DD'), x, e.import_batch_id, x,
        to_char(e.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), x)
    FROM (SELECT chr(31) AS x) c
$$;

CREATE FUNCTION ledger_append() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(710532, NEW.park_id);
    SELECT coalesce(max(seq), 0) + 1 INTO NEW.seq FROM ledger_entry WHERE park_id = NEW.park_id;
    SELECT hash INTO NEW.previous_hash FROM ledger_entry
    WHERE park_id = NEW.park_id AND seq = NEW.seq - 1;
    NEW.previous_hash := coalesce(NEW.previous_hash, '\x'::bytea);
    NEW.hash := sha256(NEW.previous_hash || convert_to(ledger_text(NEW), 'UTF8'));
    RETURN NEW;
END $$;
CREATE TRIGGER ledger_append BEFORE INSERT ON ledger_entry
    FOR EACH ROW EXECUTE FUNCTION ledger_append();

CREATE FUNCTION ledger_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: the ledger is append-only; record another event instead',
        TG_OP, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER ledger_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entry
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_keep();
CREATE TRIGGER ledger_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON trade_curve
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_keep();

INSERT INTO ledger_entry (park_id, enterprise_id, event, month, energy_wh, contract, kind, series,
    serial_first, serial_last, basis, event_on, import_batch_id, recorded_at)
SELECT e.park_id, o.* FROM (
    SELECT t.enterprise_id, 'settled', t.month, t.settled_wh, t.contract, t.kind, NULL,
           NULL::bigint, NULL::bigint, NULL, NULL::date, t.import_batch_id, b.imported_at
    FROM trade t JOIN import_batch b USING (import_batch_id)
    UNION ALL
    SELECT c.enterprise_id, 'cancelled', c.month, (c.serial_last - c.serial_first + 1) * 1000000,
           NULL, NULL, c.series, c.serial_first, c.serial_last, 'standalone', c.cancelled_on,
           c.import_batch_id, b.imported_at
    FROM certificate c JOIN import_batch b USING (import_batch_id)
) AS o (enterprise_id, event, month, energy_wh, contract, kind, series, serial_first, serial_last,
        basis, event_on, import_batch_id, recorded_at)
JOIN enterprise e USING (enterprise_id)
ORDER BY o.import_batch_id, o.enterprise_id, o.month, o.contract, o.series, o.serial_first;
DROP TABLE trade, certificate;
