package serve

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/throughline/throughline/services/api"
	"github.com/throughline/throughline/services/clickhouse"
	"github.com/throughline/throughline/services/transfer"
)

// A client that closed its side of the connection may still read: it hears that this was why, and nobody else does.
func TestWhatEndedBecauseTheClientLeft(t *testing.T) {
	var logged bytes.Buffer
	s := &Server{config: Config{Logger: slog.New(slog.NewTextHandler(&logged, nil))}}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, test := range []struct {
		err    error
		status int
	}{
		{fmt.Errorf("asking: %w", context.Canceled), http.StatusServiceUnavailable},
		{fmt.Errorf("asking: %w", clickhouse.ErrUnavailable), http.StatusServiceUnavailable}, // as the store calls a query that was cancelled
		{&fieldError{"tz", "want another"}, http.StatusBadRequest},
		{api.ErrBodyTooLarge, http.StatusRequestEntityTooLarge},
		{fmt.Errorf("reading: %w", api.ErrBodyBroken), http.StatusBadRequest},
	} {
		w := httptest.NewRecorder()
		s.fail(w, httptest.NewRequestWithContext(ctx, http.MethodGet, "/v1/search", nil), test.err)
		closed := strings.Contains(w.Body.String(), "the connection was closed")
		if w.Code != test.status || closed != (test.status == http.StatusServiceUnavailable) {
			t.Errorf("%v: %d %s", test.err, w.Code, w.Body)
		}
	}
	if logged.Len() > 0 {
		t.Errorf("logged: %s", &logged)
	}
}

// The path of a transfer opens it: what goes wrong on the way is told by route.
func TestNoTokenIsLogged(t *testing.T) {
	var logged bytes.Buffer
	s := &Server{
		config: Config{Logger: slog.New(slog.NewTextHandler(&logged, nil)), Directory: &directory{}, Transfers: new(transfer.Desk)},
		bodies: api.NewBodies(api.BodiesConfig{Max: 1, InFlight: 1, Patience: time.Second}), // none has room
	}
	all := api.NewRoutes()
	all.Handle(http.MethodPost, "/v1/transfers/{token}/open", s.answered(route{http.MethodPost, "", (*Server).openTransfer}))
	w := httptest.NewRecorder()
	all.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/v1/transfers/the-token/open", strings.NewReader("{")))
	if got := logged.String(); w.Code != http.StatusServiceUnavailable || strings.Contains(got, "the-token") || !strings.Contains(got, "/v1/transfers/{token}/open") {
		t.Errorf("%d, logged: %s", w.Code, got)
	}
}
