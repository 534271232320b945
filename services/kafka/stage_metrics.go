package kafka

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/throughline/throughline/services/telemetry"
)

// stageMetrics are the metrics of one stage, labelled with its group.
type stageMetrics struct {
	in, out, restored, retries prometheus.Counter
	process                    prometheus.Histogram
	lag                        *prometheus.GaugeVec
	unregister                 func()
}

func newStageMetrics(reg prometheus.Registerer, group string) stageMetrics {
	labels := prometheus.Labels{"stage": group}
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "throughline", Subsystem: "stage", Name: name, Help: help, ConstLabels: labels})
	}
	m := stageMetrics{
		in:       counter("records_total", "Input records whose outputs are in the log."),
		out:      counter("outputs_total", "Output records appended."),
		restored: counter("restored_records_total", "Records read to restore state."),
		retries:  counter("retries_total", "Reads, appends and commits that failed and were tried again."),
		process: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "throughline", Subsystem: "stage", Name: "process_seconds", Help: "Time to decide one batch.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 4, 8), ConstLabels: labels,
		}),
		lag: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: "throughline", Subsystem: "stage", Name: "lag_records", Help: "Input records not processed yet.", ConstLabels: labels,
		}, []string{"partition"}),
	}
	all := []prometheus.Collector{m.in, m.out, m.restored, m.retries, m.process, m.lag}
	m.unregister = telemetry.Register(reg, all...)
	return m
}

func (m *stageMetrics) behind(partition int32, records int64) {
	m.lag.WithLabelValues(strconv.Itoa(int(partition))).Set(float64(records))
}

func (m *stageMetrics) forget(partition int32) {
	m.lag.DeleteLabelValues(strconv.Itoa(int(partition)))
}
