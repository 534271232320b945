package serve

import (
	"context"
	"sync"
	"time"
	_ "time/tzdata" // a bare machine has no time zones

	"github.com/throughline/throughline/services/clickhouse"
)

// zones are the names of time zones that the store knows, read once. Go and the store must both know a zone:
// the store cuts the days, Go writes their starts.
type zones struct {
	mu    sync.Mutex
	names map[string]bool
}

// zone finds the time zone of a report; empty means UTC.
func (s *Server) zone(ctx context.Context, name string) (*time.Location, error) {
	if name == "" {
		name = "UTC"
	}
	s.zones.mu.Lock()
	defer s.zones.mu.Unlock()
	if s.zones.names == nil {
		names := map[string]bool{}
		err := s.store.each(ctx, s.store.lookup, `SELECT time_zone FROM system.time_zones`, nil, func(r *clickhouse.Rows) error {
			var n string
			err := r.Scan(&n)
			names[n] = true
			return err
		})
		if err != nil {
			return nil, err
		}
		s.zones.names = names
	}
	loc, err := time.LoadLocation(name)
	if err != nil || !s.zones.names[name] {
		return nil, &fieldError{"tz", "want an IANA time zone, such as Europe/Berlin"}
	}
	return loc, nil
}
