package load

import (
	"log/slog"
	"strings"
	"sync"
	"testing"
)

// logged is what the role says.
type logged struct {
	mu    sync.Mutex
	lines strings.Builder
}

func (l *logged) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines.Write(line)
}

func (l *logged) has(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.lines.String(), text)
}

// Who reads that ClickHouse does not answer reads also that it does again, though there may be nothing to insert; and of the next time that it
// is away, too.
func TestWhenARestoreIsAnsweredAgainTheLogSaysSo(t *testing.T) {
	w := newWorld(t, 1)
	var log logged
	w.start(func(c *Config) {
		c.Logger = slog.New(slog.NewTextHandler(&log, nil))
		w.proxy.on(func(string) fault { return refuse })
	})
	w.eventually("to hear that it is away", func() bool {
		return log.has(`msg="ClickHouse does not answer; trying until it does" table=touchpoints`)
	})
	w.proxy.on(nil)
	w.eventually("to hear that it is back", func() bool { return log.has(`msg="ClickHouse is back" table=touchpoints`) })
}
