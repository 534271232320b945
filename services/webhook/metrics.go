package webhook

import "github.com/prometheus/client_golang/prometheus"

// outcome is what became of a request.
type outcome string

const (
	taken         outcome = "taken"       // all of it is on the log, as touchpoints or dead letters
	handshake     outcome = "handshake"   // answered; it carried nothing
	unknownKey    outcome = "unknown_key" // nobody's source key
	missing       outcome = "unsigned"
	forged        outcome = "forged"
	stale         outcome = "stale"
	noSecret      outcome = "no_secret"      // we cannot check it
	noCertificate outcome = "no_certificate" // likewise
	undone        outcome = "undone"         // the log did not take it; it comes again
	refused       outcome = "refused"        // anything else that was wrong with it
)

type metrics struct {
	requests *prometheus.CounterVec
	items    *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) metrics {
	m := metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "throughline_source_requests_total",
			Help: "Requests of providers, by source and by what became of them."}, []string{"source", "outcome"}),
		items: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "throughline_source_items_total",
			Help: "What was in the requests, by source: touchpoint, skipped, rejected."}, []string{"source", "became"}),
	}
	if reg != nil {
		reg.MustRegister(m.requests, m.items)
	}
	return m
}

func (m metrics) request(source string, o outcome) {
	m.requests.WithLabelValues(source, string(o)).Inc()
}

func (m metrics) item(source, became string, n int) {
	if n > 0 {
		m.items.WithLabelValues(source, became).Add(float64(n))
	}
}
