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

	"github.com/throughline/throughline/services/api"
	"github.com/throughline/throughline/services/clickhouse"
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
