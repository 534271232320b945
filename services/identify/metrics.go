package identify

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/throughline/throughline/services/telemetry"
)

// metrics of the role. What is counted may be counted again after a crash; gauges are of the partitions as of their
// last batch here.
type metrics struct {
	touchpoints, duplicates, conflicts, unreadable prometheus.Counter
	links, resolved, moves                         prometheus.Counter
	edges                                          *prometheus.CounterVec
	fingerprints, fingerprintBytes                 *prometheus.GaugeVec
	anchors, anchorBytes, persons                  *prometheus.GaugeVec
	unregister                                     func()
}

func newMetrics(reg prometheus.Registerer) *metrics {
	var all []prometheus.Collector
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Namespace: "throughline", Subsystem: "identify", Name: name, Help: help})
		all = append(all, c)
		return c
	}
	gauge := func(name, help string) *prometheus.GaugeVec {
		g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "throughline", Subsystem: "identify", Name: name, Help: help}, []string{"partition"})
		all = append(all, g)
		return g
	}
	m := &metrics{
		touchpoints: counter("touchpoints_total", "Touchpoints stitched for the first time."),
		duplicates:  counter("duplicates_total", "Touchpoints that came once more."),
		conflicts:   counter("conflicts_total", "Touchpoints under an id that another has."),
		unreadable:  counter("unreadable_total", "Records that could not be read, kept in the dead letters."),
		links:       counter("links_total", "Links made by touchpoints."),
		resolved:    counter("resolved_links_total", "Links resolved."),
		moves:       counter("moves_total", "Anchors moved to another person."),
		edges: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "throughline", Subsystem: "identify", Name: "edges_total", Help: "Decisions about links of identifiers, by decision.",
		}, []string{"kind"}),
		fingerprints:     gauge("fingerprints", "Touchpoints remembered, by partition of the touchpoints."),
		fingerprintBytes: gauge("fingerprint_bytes", "Memory that remembering them takes."),
		anchors:          gauge("anchors", "Identifiers and threads known, by partition of the links."),
		anchorBytes:      gauge("anchor_bytes", "Memory that knowing them takes."),
		persons:          gauge("persons", "People that the identifiers are, by partition of the links."),
	}
	all = append(all, m.edges)
	m.unregister = telemetry.Register(reg, all...)
	return m
}
