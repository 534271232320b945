// Package telemetry registers what a role measures for as long as it runs: a role that failed, or that a rebuild halted, is started again in the same
// process, and would find its metrics there already.
package telemetry

import "github.com/prometheus/client_golang/prometheus"

// Register registers the collectors, and returns what takes them out again. Without a registry they count for nobody.
func Register(reg prometheus.Registerer, all ...prometheus.Collector) (unregister func()) {
	if reg == nil {
		return func() {}
	}
	reg.MustRegister(all...)
	return func() {
		for _, c := range all {
			reg.Unregister(c)
		}
	}
}
