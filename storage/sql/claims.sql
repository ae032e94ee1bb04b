-- name: add_batch
-- %(kind)s text, %(source)s text, %(sha256)s bytea, %(rows)s int, %(now)s timestamptz
INSERT INTO import_batch (kind, source, sha256, rows, imported_at)
VALUES (%(kind)s, %(source)s, %(sha256)s, %(rows)s, %(now)s) RETURNING import_batch_id

-- name: trade_months
-- What is stored for a contract. %(enterprise_id)s int, %(contract)s text, %(month)s date
SELECT settled_wh, kind FROM trade
WHERE enterprise_id = %(enterprise_id)s AND contract = %(contract)s AND month = %(month)s

-- name: upsert_trade
INSERT INTO trade (enterprise_id, contract, month, kind, settled_wh, import_batch_id)
VALUES (%(enterprise_id)s, %(contract)s, %(month)s, %(kind)s, %(settled_wh)s, %(batch)s)
ON CONFLICT (enterprise_id, contract, month) DO UPDATE
    SET kind = excluded.kind, settled_wh = excluded.settled_wh,
        import_batch_id = excluded.import_batch_id

-- name: lock_certificates
LOCK TABLE certificate IN SHARE ROW EXCLUSIVE MODE

-- name: overlapping_certificates
-- Serials that are already claimed. %(series)s text, %(first)s, %(last)s int8
SELECT e.key, c.serial_first, c.serial_last, c.month, c.cancelled_on
FROM certificate c JOIN enterprise e USING (enterprise_id)
WHERE c.series = %(series)s AND c.serial_first <= %(last)s AND c.serial_last >= %(first)s

-- name: insert_certificate
INSERT INTO certificate (enterprise_id, series, serial_first, serial_last, month, cancelled_on,
    import_batch_id)
VALUES (%(enterprise_id)s, %(series)s, %(first)s, %(last)s, %(month)s, %(cancelled_on)s, %(batch)s)

-- name: claims
-- Settled and cancelled energy by month of generation, known at %(until)s date. %(enterprise_id)s int
SELECT kind, month, sum(energy_wh)::float8 / 1000 AS energy_kwh FROM (
    SELECT kind, month, settled_wh AS energy_wh FROM trade
    WHERE enterprise_id = %(enterprise_id)s
    UNION ALL
    SELECT 'certificate', month, (serial_last - serial_first + 1) * 1000000
    FROM certificate WHERE enterprise_id = %(enterprise_id)s AND cancelled_on <= %(until)s
) AS all_claims
GROUP BY kind, month ORDER BY kind, month
