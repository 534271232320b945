// Package crash holds the tests that kill the real binary with -9, in every role, under load, and then ask the audit
// whether anything was lost, doubled or derived wrongly. THROUGHLINE_KILLS sets how often (50, and 10 on real Kafka,
// when unset), THROUGHLINE_SEED repeats a run that failed.
package crash
