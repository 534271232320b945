package load

import (
	"strconv"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/services/telemetry"
)

type metrics struct {
	rows                                                                *prometheus.CounterVec // by table
	blocks, bytes, duplicates, conflicts, unreadable, retries, repaired prometheus.Counter
	insertSeconds                                                       prometheus.Histogram
	lag, pending, fingerprints                                          *prometheus.GaugeVec
	reloadSeconds                                                       *prometheus.GaugeVec

	newest     atomic.Int64 // ms
	unregister func()
}

func newMetrics(reg prometheus.Registerer) *metrics {
	const space, system = "throughline", "load"
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: space, Subsystem: system, Name: name, Help: help})
	}
	gauges := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: space, Subsystem: system, Name: name, Help: help}, labels)
	}
	m := &metrics{
		rows:          prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: space, Subsystem: system, Name: "rows_total", Help: "Rows inserted, by table."}, []string{"table"}),
		blocks:        counter("blocks_total", "Blocks that landed."),
		bytes:         counter("bytes_total", "Bytes of records that landed."),
		duplicates:    counter("duplicates_total", "Touchpoints that came again and were dropped."),
		conflicts:     counter("conflicts_total", "Touchpoints refused because their id was used before with other content."),
		unreadable:    counter("unreadable_total", "Records that became dead letters because they could not be read or stored."),
		retries:       counter("retries_total", "Statements that ClickHouse did not carry out and that were tried again."),
		repaired:      counter("repaired_total", "Rows inserted again because the store had lost them."),
		insertSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: space, Subsystem: system, Name: "insert_seconds", Help: "Time of an insert.", Buckets: prometheus.ExponentialBuckets(0.002, 2, 14)}),
		lag:           gauges("lag_records", "Records of the log that are not in the store yet.", "topic", "partition"),
		pending:       gauges("pending_rows", "Rows of the planned block.", "partition"),
		fingerprints:  gauges("fingerprint_bytes", "Memory of the set of fingerprints.", "partition"),
		reloadSeconds: gauges("dictionary_reload_seconds", "Time of the last reload of the dictionaries of moved anchors: the whole, and what moved lately.", "dictionary"),
	}
	visible := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: space, Subsystem: system, Name: "newest_visible_timestamp_seconds", Help: "When the newest touchpoint in the store was received."},
		func() float64 { return float64(m.newest.Load()) / 1000 })
	all := []prometheus.Collector{m.rows, m.blocks, m.bytes, m.duplicates, m.conflicts, m.unreadable, m.retries, m.repaired, m.insertSeconds, m.lag, m.pending, m.fingerprints, m.reloadSeconds, visible}
	m.unregister = telemetry.Register(reg, all...)
	return m
}

// landed counts a block whose effects are all made.
func (m *metrics) landed(b *block) {
	m.blocks.Inc()
	m.bytes.Add(float64(b.bytes))
	m.duplicates.Add(float64(b.duplicates))
	m.conflicts.Add(float64(b.conflicts))
	m.unreadable.Add(float64(b.unreadable))
}

func (m *metrics) newestVisible(received int64) {
	for {
		old := m.newest.Load()
		if received <= old || m.newest.CompareAndSwap(old, received) {
			return
		}
	}
}

// forget drops what is shown of a partition that went to another instance.
func (m *metrics) forget(p kafka.TopicPartition) {
	m.lag.DeleteLabelValues(p.Topic, partitionLabel(p))
	m.pending.DeleteLabelValues(partitionLabel(p))
	m.fingerprints.DeleteLabelValues(partitionLabel(p))
}

func partitionLabel(p kafka.TopicPartition) string { return strconv.Itoa(int(p.Partition)) }
