-- name: load_nodes
-- Everything known of all Sparkplug nodes.
SELECT group_id, edge_node, state FROM sparkplug_node

-- name: save_nodes
-- %(groups)s text[], %(edges)s text[], %(states)s text[] of JSON, %(now)s timestamptz
INSERT INTO sparkplug_node (group_id, edge_node, state, updated_at)
SELECT n.group_id, n.edge_node, n.state::jsonb, %(now)s::timestamptz
FROM unnest(%(groups)s::text[], %(edges)s::text[], %(states)s::text[]) AS n (group_id, edge_node, state)
ORDER BY 1, 2
ON CONFLICT (group_id, edge_node) DO UPDATE SET state = excluded.state,
    updated_at = excluded.updated_at
