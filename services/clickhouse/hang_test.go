package clickhouse_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	store "github.com/throughline/throughline/services/clickhouse"
	"github.com/throughline/throughline/services/clickhouse/clickhousetest"
)

// A deadline says "too slow" of a server that works, and "unavailable" of one that answers nobody: a client is to narrow
// its question down in the first case, and to come again in the second.
func TestHangingServerIsUnavailable(t *testing.T) {
	target, err := url.Parse(clickhousetest.DSN(t))
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	var hangs atomic.Bool
	released := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if hangs.Load() {
			<-released // the request's context does not end while its body is not read
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(released) })
	config := store.DefaultConfig(server.URL)
	config.Database = "default"
	db, err := store.Open(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	ask := func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
		defer cancel()
		rows, err := db.Query(ctx, "SELECT sleep(2)", nil, store.Limits{})
		if err == nil {
			err = errors.Join(rows.Err(), rows.Close())
		}
		return err
	}
	if err := ask(); !errors.Is(err, store.ErrTooSlow) {
		t.Errorf("a slow query: %v", err)
	}
	hangs.Store(true)
	if err := ask(); !errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrTooSlow) {
		t.Errorf("a server that hangs: %v", err)
	}
}
