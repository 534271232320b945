package mail

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics counts mails and what became of them.
type metrics struct {
	accepted, deferred, dead prometheus.Counter
	refused                  *prometheus.CounterVec // by what was refused
	connections              prometheus.Gauge
	mails                    atomic.Int64 // under way
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		accepted: prometheus.NewCounter(prometheus.CounterOpts{Name: "throughline_mail_accepted_total",
			Help: "Mails that the log has."}),
		deferred: prometheus.NewCounter(prometheus.CounterOpts{Name: "throughline_mail_deferred_total",
			Help: "Mails that were answered 4xx: the sender tries again."}),
		dead: prometheus.NewCounter(prometheus.CounterOpts{Name: "throughline_mail_dead_letters_total",
			Help: "Accepted mails that went to the dead letters."}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "throughline_mail_refused_total",
			Help: "What was answered 5xx: a recipient or a mail."}, []string{"what"}),
		connections: prometheus.NewGauge(prometheus.GaugeOpts{Name: "throughline_mail_connections",
			Help: "Open connections."}),
	}
	if reg != nil {
		reg.MustRegister(m.accepted, m.deferred, m.dead, m.refused, m.connections)
	}
	return m
}

func (m *metrics) refuse(what string) { m.refused.WithLabelValues(what).Inc() }
func (m *metrics) begin()             { m.mails.Add(1) }
func (m *metrics) end()               { m.mails.Add(-1) }
func (m *metrics) underWay() int64    { return m.mails.Load() }
