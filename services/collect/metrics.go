package collect

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/services/api"
)

// metrics counts what came in, by door.
type metrics map[string]*doorMetrics

// doors are the ways in.
var doors = [...]string{touchpoint.SourceHTTP, touchpoint.SourceRaw, touchpoint.SourceSegment, touchpoint.SourceWebhook}

type doorMetrics struct {
	accepted, rejected prometheus.Counter
	privacy            *prometheus.CounterVec // by rule
}

func newMetrics(reg prometheus.Registerer, bodies *api.Bodies) metrics {
	accepted := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "throughline_collect_accepted_total",
		Help: "Touchpoints that the log has, by door."}, []string{"source"})
	rejected := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "throughline_collect_rejected_total",
		Help: "Touchpoints that went to the dead letters, by door."}, []string{"source"})
	changed := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "throughline_privacy_applied_total",
		Help: "Fields of accepted touchpoints that a privacy rule changed, by door and rule: card, iban, drop, hash or mask."}, []string{"source", "rule"})
	inFlight := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "throughline_collect_body_bytes_in_flight",
		Help: "Bytes of request bodies under way."}, func() float64 { return float64(bodies.InFlight()) })
	if reg != nil {
		reg.MustRegister(accepted, rejected, changed, inFlight)
	}
	m := metrics{}
	for _, source := range doors {
		m[source] = &doorMetrics{accepted.WithLabelValues(source), rejected.WithLabelValues(source), changed.MustCurryWith(prometheus.Labels{"source": source})}
	}
	return m
}

func (m metrics) of(source string) *doorMetrics { return m[source] }

func (m *doorMetrics) count(b *batch) {
	m.accepted.Add(float64(b.answer.Accepted))
	if b.refused > 0 {
		m.rejected.Add(float64(b.refused))
	}
	for rule, n := range b.noted {
		m.privacy.WithLabelValues(rule).Add(float64(n))
	}
}
