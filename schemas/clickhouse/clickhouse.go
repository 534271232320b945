// Package clickhouse carries the store's tables as ordered SQL files; services/clickhouse applies them.
package clickhouse

import "embed"

// Migrations holds migrations/NNNN_name.sql, to be applied once each, in the order of their numbers. They are Go
// templates: {{.OnCluster}}, {{.Engine "MergeTree" args...}}, {{.DeduplicationWindow}} and {{.Database}} differ
// between the embedded engine or one server, and a cluster.
//
//go:embed migrations/*.sql
var Migrations embed.FS
