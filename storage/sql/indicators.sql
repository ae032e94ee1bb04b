-- name: create_indicator_staging
CREATE TEMP TABLE IF NOT EXISTS indicator_staging (LIKE indicator_value) ON COMMIT DELETE ROWS

-- name: clear_indicator_staging
-- What an earlier call in the same transaction staged.
TRUNCATE indicator_staging

-- name: copy_indicators
COPY indicator_staging (indicator, park_id, enterprise_id, period_kind, period_start, period_stop,
    value, numerator, denominator, unit, completeness_ratio, estimated_ratio, status, note,
    computed_at)
FROM STDIN (FORMAT BINARY)

-- name: delete_vanished_indicators
-- Values of subjects from a day on that can no longer be computed. %(park_id)s int,
-- %(enterprises)s int[] (-1: the park), %(from_days)s date[], %(first)s date, the least of them,
-- %(indicators)s text[]
DELETE FROM indicator_value v
USING unnest(%(enterprises)s::int[], %(from_days)s::date[]) AS t (enterprise_id, from_day)
WHERE v.park_id = %(park_id)s AND v.period_stop > %(first)s
  AND v.indicator = ANY (%(indicators)s)
  AND coalesce(v.enterprise_id, -1) = t.enterprise_id AND v.period_stop > t.from_day
  AND NOT EXISTS (
      SELECT FROM indicator_staging s
      WHERE coalesce(s.enterprise_id, -1) = coalesce(v.enterprise_id, -1)
        AND s.indicator = v.indicator AND s.period_kind = v.period_kind
        AND s.period_start = v.period_start AND s.period_stop = v.period_stop)

-- name: upsert_indicators
-- Only what changed is written, so that the time of the last change stays true.
INSERT INTO indicator_value (indicator, park_id, enterprise_id, period_kind, period_start, period_stop,
    value, numerator, denominator, unit, completeness_ratio, estimated_ratio, status, note,
    computed_at)
SELECT indicator, park_id, enterprise_id, period_kind, period_start, period_stop, value, numerator,
       denominator, unit, completeness_ratio, estimated_ratio, status, note, computed_at
FROM indicator_staging
ON CONFLICT (park_id, enterprise_id, indicator, period_kind, period_start, period_stop) DO UPDATE
    SET value = excluded.value, numerator = excluded.numerator,
        denominator = excluded.denominator, completeness_ratio = excluded.completeness_ratio,
        estimated_ratio = excluded.estimated_ratio, status = excluded.status,
        note = excluded.note, computed_at = excluded.computed_at
    WHERE (indicator_value.value, indicator_value.numerator, indicator_value.denominator,
           indicator_value.completeness_ratio, indicator_value.estimated_ratio,
           indicator_value.status, indicator_value.note)
        IS DISTINCT FROM (excluded.value, excluded.numerator, excluded.denominator,
           excluded.completeness_ratio, excluded.estimated_ratio, excluded.status,
           excluded.note)

-- name: list_indicators
-- %(park_id)s int, %(stop_by)s date: no later period end, but the month and year that last;
-- newest per indicator and subject if %(newest)s
SELECT DISTINCT ON (v.indicator, v.period_kind, coalesce(e.key, ''),
                    CASE WHEN %(newest)s THEN NULL ELSE v.period_stop END)
       v.indicator, coalesce(e.key, 'park') AS subject, v.enterprise_id, v.period_kind,
       v.period_start, v.period_stop, v.value, v.numerator, v.denominator, v.unit,
       v.completeness_ratio, v.estimated_ratio, v.status, v.note, v.computed_at,
       d.limit_value, d.sense, d.limit_source
FROM indicator_value v LEFT JOIN enterprise e USING (enterprise_id)
LEFT JOIN indicator_definition d ON d.park_id = v.park_id AND d.indicator = v.indicator
WHERE v.park_id = %(park_id)s
  AND (v.period_stop <= %(stop_by)s
       OR v.period_kind IN ('month', 'year') AND v.period_start < %(stop_by)s)
ORDER BY v.indicator, v.period_kind, coalesce(e.key, ''),
         CASE WHEN %(newest)s THEN NULL ELSE v.period_stop END, v.period_stop DESC

-- name: newest_final
-- Newest final value per enterprise (null: park) of one indicator. %(park_id)s, %(indicator)s, %(stop_by)s
SELECT DISTINCT ON (enterprise_id) enterprise_id, period_start, period_stop, value, unit,
       completeness_ratio, estimated_ratio, status, note
FROM indicator_value
WHERE park_id = %(park_id)s AND indicator = %(indicator)s AND period_kind = %(period_kind)s
  AND period_stop <= %(stop_by)s AND (status = 'final' OR NOT %(only_final)s)
ORDER BY enterprise_id, period_stop DESC
