-- name: park_of
-- Park of enterprises. %(enterprises)s int[]
SELECT DISTINCT park_id FROM enterprise WHERE enterprise_id = ANY (%(enterprises)s)

-- name: lock_ledger
-- Entries of a park are appended one after the other. %(park_id)s int
SELECT pg_advisory_xact_lock(710532, %(park_id)s::int)

-- name: add_batch
-- %(kind)s text, %(source)s text, %(sha256)s bytea, %(rows)s int, %(now)s timestamptz
INSERT INTO import_batch (kind, source, sha256, rows, imported_at)
VALUES (%(kind)s, %(source)s, %(sha256)s, %(rows)s, %(now)s) RETURNING import_batch_id

-- name: is_known_file
-- Whether a file was appended before. %(park_id)s int, %(sha256)s bytea
SELECT EXISTS (SELECT FROM import_batch b JOIN ledger_entry l USING (import_batch_id)
               WHERE b.sha256 = %(sha256)s AND l.park_id = %(park_id)s)

-- name: append
-- The database numbers and chains the entry. %(enterprise_id)s int, %(event)s text, %(month)s date, ...
INSERT INTO ledger_entry (park_id, enterprise_id, event, month, energy_wh, contract, kind,
    contracted_wh, generated_wh, used_wh, curve_sha256, series, serial_first, serial_last, basis,
    from_state, from_enterprise_id, event_on, import_batch_id, recorded_at)
SELECT e.park_id, e.enterprise_id, %(event)s, %(month)s, %(energy_wh)s, %(contract)s, %(kind)s,
    %(contracted_wh)s, %(generated_wh)s, %(used_wh)s, %(curve_sha256)s, %(series)s, %(first)s,
    %(last)s, %(basis)s, %(from_state)s, %(from_enterprise_id)s, %(event_on)s, %(batch)s, %(now)s
FROM enterprise e WHERE e.enterprise_id = %(enterprise_id)s
RETURNING seq

-- name: copy_curve
COPY trade_curve (park_id, seq, hour_start, energy_wh) FROM STDIN

-- name: contract_months
-- Newest settlement of each month of a contract. %(enterprise_id)s int, %(contract)s text
SELECT DISTINCT ON (month) month, kind, energy_wh, event, contracted_wh, generated_wh, used_wh
FROM ledger_entry
WHERE enterprise_id = %(enterprise_id)s AND contract = %(contract)s
  AND event IN ('settled', 'contracted')
ORDER BY month, seq DESC

-- name: newest_curve
-- Digest of the hours that count. %(enterprise_id)s int, %(contract)s text, %(month)s date
SELECT curve_sha256 FROM ledger_entry
WHERE enterprise_id = %(enterprise_id)s AND contract = %(contract)s AND month = %(month)s
  AND event = 'curve' ORDER BY seq DESC LIMIT 1

-- name: lock_serials
-- A serial is judged across all parks: one judges at a time
SELECT pg_advisory_xact_lock(710532, 0)

-- name: serial_entries
-- What happened to serials of a park, in order. %(park_id)s int
SELECT l.event, o.key AS enterprise, l.series, l.serial_first, l.serial_last, l.month, l.event_on,
       l.basis
FROM ledger_entry l JOIN enterprise o USING (enterprise_id)
WHERE l.park_id = %(park_id)s AND l.series IS NOT NULL
ORDER BY l.seq

-- name: overlapping_entries
-- What happened to a range of serials in any park (all of a serial in one); holders of others: park/key.
-- %(park_id)s int, %(series)s text, %(first)s, %(last)s int8
SELECT l.event, CASE WHEN l.park_id = %(park_id)s THEN o.key ELSE p.key || '/' || o.key END
           AS enterprise,
       l.series, l.serial_first, l.serial_last, l.month, l.event_on, l.basis
FROM ledger_entry l
JOIN enterprise o USING (enterprise_id)
JOIN park p ON p.park_id = l.park_id
WHERE l.series = %(series)s AND l.serial_first <= %(last)s AND l.serial_last >= %(first)s
ORDER BY l.park_id, l.seq

-- name: park_claims
-- Energy in force by kind and month of generation, known at %(until)s date. %(park_id)s int.
-- A cancellation that was withdrawn does not count.
SELECT enterprise_id, kind, month, sum(energy_wh)::float8 / 1000 AS energy_kwh
FROM (
    SELECT DISTINCT ON (enterprise_id, contract, month) enterprise_id, kind, month,
           CASE event WHEN 'settled' THEN energy_wh END AS energy_wh
    FROM ledger_entry WHERE park_id = %(park_id)s AND event IN ('settled', 'contracted')
    ORDER BY enterprise_id, contract, month, seq DESC
) AS trades
WHERE energy_wh IS NOT NULL
GROUP BY enterprise_id, kind, month
UNION ALL
SELECT owner, 'certificate', month, sum(energy_wh)::float8 / 1000
FROM (
    SELECT enterprise_id AS owner, month, energy_wh FROM ledger_entry
    WHERE park_id = %(park_id)s AND event = 'cancelled' AND basis = 'standalone'
      AND event_on <= %(until)s
    UNION ALL
    SELECT from_enterprise_id, month, -energy_wh FROM ledger_entry
    WHERE park_id = %(park_id)s AND event = 'withdrawn' AND from_state = 'cancelled'
      AND basis = 'standalone' AND event_on <= %(until)s
) AS certificates
GROUP BY owner, month HAVING sum(energy_wh) > 0
ORDER BY enterprise_id, kind, month

-- name: trade_curves
-- Hours of green trades in [start, stop); a curve never gives more than its settlement.
-- %(park_id)s int, %(start)s, %(stop)s timestamptz
WITH curve AS (
    SELECT DISTINCT ON (enterprise_id, contract, month) park_id, seq, enterprise_id, contract,
           month, energy_wh
    FROM ledger_entry WHERE park_id = %(park_id)s AND event = 'curve'
    ORDER BY enterprise_id, contract, month, seq DESC
), settled AS (
    SELECT DISTINCT ON (enterprise_id, contract, month) enterprise_id, contract, month, kind,
           CASE event WHEN 'settled' THEN energy_wh END AS energy_wh
    FROM ledger_entry WHERE park_id = %(park_id)s AND event IN ('settled', 'contracted')
    ORDER BY enterprise_id, contract, month, seq DESC
)
SELECT c.enterprise_id, h.hour_start,
       h.energy_wh / 1000.0 * least(1.0, s.energy_wh::float8 / nullif(c.energy_wh, 0)) AS kwh
FROM curve c
JOIN settled s ON s.enterprise_id = c.enterprise_id AND s.contract = c.contract
              AND s.month = c.month AND s.kind = 'green' AND s.energy_wh > 0
JOIN trade_curve h ON h.park_id = c.park_id AND h.seq = c.seq
WHERE h.hour_start >= %(start)s AND h.hour_start < %(stop)s AND h.energy_wh > 0
ORDER BY c.enterprise_id, h.hour_start, c.contract

-- name: contracted_months
-- Months that are agreed and not settled. %(park_id)s int
SELECT enterprise_id, month, sum(contracted_wh)::float8 / 1000
FROM (
    SELECT DISTINCT ON (enterprise_id, contract, month) enterprise_id, month, event, contracted_wh,
           kind
    FROM ledger_entry WHERE park_id = %(park_id)s AND event IN ('settled', 'contracted')
    ORDER BY enterprise_id, contract, month, seq DESC
) AS newest
WHERE event = 'contracted' AND kind = 'green' GROUP BY enterprise_id, month

-- name: trades
-- Newest state of every month of every contract. %(park_id)s int
SELECT DISTINCT ON (e.key, l.contract, l.month) e.key AS enterprise, l.contract, l.month, l.kind,
       CASE l.event WHEN 'settled' THEN l.energy_wh::float8 / 1000 END AS settled_kwh,
       l.contracted_wh::float8 / 1000 AS contracted_kwh,
       l.generated_wh::float8 / 1000 AS generated_kwh, l.used_wh::float8 / 1000 AS used_kwh,
       (SELECT c.energy_wh::float8 / 1000 FROM ledger_entry c
        WHERE c.park_id = l.park_id AND c.enterprise_id = l.enterprise_id
          AND c.contract = l.contract AND c.month = l.month AND c.event = 'curve'
        ORDER BY c.seq DESC LIMIT 1) AS curve_kwh, l.seq
FROM ledger_entry l JOIN enterprise e USING (enterprise_id)
WHERE l.park_id = %(park_id)s AND l.event IN ('settled', 'contracted')
ORDER BY e.key, l.contract, l.month, l.seq DESC

-- name: log
-- Every entry with what its hash is made of. %(park_id)s int
SELECT l.park_id, l.seq, l.enterprise_id, l.event, l.month, l.energy_wh, l.contract, l.kind,
       l.contracted_wh, l.generated_wh, l.used_wh, l.curve_sha256, l.series, l.serial_first,
       l.serial_last, l.basis, l.from_state, l.from_enterprise_id, l.event_on, l.import_batch_id,
       l.recorded_at, l.previous_hash, l.hash, e.key AS enterprise, b.source
FROM ledger_entry l
JOIN enterprise e USING (enterprise_id)
JOIN import_batch b USING (import_batch_id)
WHERE l.park_id = %(park_id)s ORDER BY l.seq

-- name: curve_rows
-- Hours of a curve, as they were digested. %(park_id)s int, %(seq)s int8
SELECT hour_start, energy_wh FROM trade_curve
WHERE park_id = %(park_id)s AND seq = %(seq)s ORDER BY hour_start
