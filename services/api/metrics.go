package api

import (
	"strconv"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics counts requests by route, never by path: paths are the client's and would have no end.
type metrics struct {
	requests    *prometheus.CounterVec
	seconds     *prometheus.HistogramVec
	inFlight    prometheus.Gauge
	connections prometheus.Gauge

	series sync.Map // labels -> *series: looking labels up in the vectors costs a microsecond a request
}

type labels struct {
	route string
	code  int
}

type series struct {
	requests prometheus.Counter
	seconds  prometheus.Observer
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "throughline_http_requests_total",
			Help: "Requests answered, by route and status."}, []string{"route", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "throughline_http_request_seconds",
			Help: "Time from the request's header to the end of the answer, by route.", Buckets: prometheus.ExponentialBuckets(0.0005, 2.5, 12)}, []string{"route"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{Name: "throughline_http_requests_in_flight",
			Help: "Requests under way."}),
		connections: prometheus.NewGauge(prometheus.GaugeOpts{Name: "throughline_http_connections",
			Help: "Open connections, resting ones included."}),
	}
	if reg != nil {
		reg.MustRegister(m.requests, m.seconds, m.inFlight, m.connections)
	}
	return m
}

func (m *metrics) of(l labels) *series {
	if s, ok := m.series.Load(l); ok {
		return s.(*series)
	}
	route := l.route
	if route == "" {
		route = "none"
	}
	s, _ := m.series.LoadOrStore(l, &series{m.requests.WithLabelValues(route, strconv.Itoa(l.code)), m.seconds.WithLabelValues(route)})
	return s.(*series)
}
