package serve

import (
	"context"
	"time"
	_ "time/tzdata" // a bare machine has no time zones

	"github.com/throughline/throughline/services/clickhouse"
)

// zonesLife is how long the store's names of time zones are believed: they change when it is replaced by a newer one.
const zonesLife = 24 * time.Hour

// zone finds the time zone of a report; empty means UTC. Go and the store must both know it: the store cuts the days, Go writes their
// starts.
func (s *Server) zone(ctx context.Context, name string) (*time.Location, error) {
	if name == "" {
		name = "UTC"
	}
	names, err := s.zones.get(ctx, struct{}{}, func(ctx context.Context) (map[string]bool, error) {
		names := map[string]bool{}
		err := s.store.each(ctx, s.store.lookup, `SELECT time_zone FROM system.time_zones`, nil, func(r *clickhouse.Rows) error {
			var n string
			err := r.Scan(&n)
			names[n] = true
			return err
		})
		return names, err
	})
	if err != nil {
		return nil, err
	}
	loc, err := time.LoadLocation(name)
	if err != nil || !names[name] {
		return nil, &fieldError{"tz", "want an IANA time zone, such as Europe/Berlin"}
	}
	return loc, nil
}
