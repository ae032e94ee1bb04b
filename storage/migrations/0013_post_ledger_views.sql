-- Why: the ledger for dashboards: certificates by state and month, trades by month.
-- Locks: catalogue rows. Transaction: on.

-- A serial is where its newest entry put it. Entries split at the state before them, so those that
-- came later and overlap take their serials out of the earlier one.
CREATE VIEW dash.ledger_certificate AS
WITH moved AS (
    SELECT l.park_id, l.enterprise_id, l.month, l.basis, l.energy_wh / 1000000 AS mwh,
           CASE l.event WHEN 'issued' THEN 'held' WHEN 'received' THEN 'held'
               WHEN 'transferred' THEN 'held' WHEN 'released' THEN 'held' ELSE l.event
               END AS state
    FROM ledger_entry l WHERE l.series IS NOT NULL
    UNION ALL
    SELECT l.park_id, l.from_enterprise_id, l.month, l.basis, -l.energy_wh / 1000000, l.from_state
    FROM ledger_entry l WHERE l.series IS NOT NULL AND l.from_state IS NOT NULL
)
SELECT p.park_key, e.enterprise_key, e.name_zh, e.name_en, m.month, m.basis,
       sum(m.mwh) FILTER (WHERE m.state = 'held') AS held_mwh,
       sum(m.mwh) FILTER (WHERE m.state = 'reserved') AS reserved_mwh,
       sum(m.mwh) FILTER (WHERE m.state = 'cancelled') AS cancelled_mwh,
       sum(m.mwh) FILTER (WHERE m.state = 'expired') AS expired_mwh,
       sum(m.mwh) FILTER (WHERE m.state = 'withdrawn') AS withdrawn_mwh
FROM moved m
JOIN dash.park p ON p.park_id = m.park_id
JOIN dash.enterprise e ON e.enterprise_id = m.enterprise_id
GROUP BY p.park_key, e.enterprise_key, e.name_zh, e.name_en, m.month, m.basis;
COMMENT ON VIEW dash.ledger_certificate IS 'green certificates (1 = 1 MWh) per enterprise and month of generation, by their present state';
COMMENT ON COLUMN dash.ledger_certificate.basis IS 'standalone ones count as C when cancelled; those of trades belong to T, those of self-use to P';

CREATE VIEW dash.ledger_trade AS
SELECT DISTINCT ON (e.park_key, e.enterprise_key, l.contract, l.month)
       e.park_key, e.enterprise_key, e.name_zh, e.name_en, l.contract, l.month, l.kind,
       CASE l.event WHEN 'settled' THEN l.energy_wh / 1000.0::double precision END AS settled_kwh,
       l.contracted_wh / 1000.0::double precision AS contracted_kwh, l.recorded_at
FROM ledger_entry l
JOIN dash.enterprise e ON e.enterprise_id = l.enterprise_id
WHERE l.event IN ('settled', 'contracted')
ORDER BY e.park_key, e.enterprise_key, l.contract, l.month, l.seq DESC;
COMMENT ON VIEW dash.ledger_trade IS 'power trades per contract and month of generation: the newest entry counts';
COMMENT ON COLUMN dash.ledger_trade.settled_kwh IS 'settled energy; null: not settled yet';

GRANT SELECT ON dash.ledger_certificate, dash.ledger_trade TO greenpark_reader;
