package converse

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/throughline/throughline/services/telemetry"
)

// metrics of the role. What is counted may be counted again after a crash; gauges are of the partitions as of their
// last batch here.
type metrics struct {
	messages, handed, conversations, members, unreadable prometheus.Counter
	persons, stubs, kept, regrouped                      *prometheus.GaugeVec
	unregister                                           func()
}

func newMetrics(reg prometheus.Registerer) *metrics {
	var all []prometheus.Collector
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Namespace: "throughline", Subsystem: "converse", Name: name, Help: help})
		all = append(all, c)
		return c
	}
	gauge := func(name, help string) *prometheus.GaugeVec {
		g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "throughline", Subsystem: "converse", Name: name, Help: help}, []string{"partition"})
		all = append(all, g)
		return g
	}
	m := &metrics{
		messages:      counter("messages_total", "Stubs, moves, adoptions and drops taken in."),
		handed:        counter("handed_total", "Adoptions and drops sent to other homes."),
		conversations: counter("conversations_total", "Rows of conversations written."),
		members:       counter("members_total", "Memberships of touchpoints written."),
		unreadable:    counter("unreadable_total", "Records that could not be read, kept in the dead letters."),
		persons:       gauge("persons", "People in memory, by partition of touchpoints.by-person."),
		stubs:         gauge("stubs", "Touchpoints of people in memory."),
		kept:          gauge("kept_stubs", "Touchpoints kept by homes whose anchor belongs to somebody else."),
		regrouped:     gauge("regroupings", "How often a person's conversations were computed anew since the partition came here."),
	}
	m.unregister = telemetry.Register(reg, all...)
	return m
}
