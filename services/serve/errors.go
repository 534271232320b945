package serve

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/services/api"
	"github.com/throughline/throughline/services/clickhouse"
	"github.com/throughline/throughline/services/kafka"
)

// errBusy is returned when as many queries run and wait as may.
var errBusy = errors.New("serve: too many queries")

// notFound says what was looked up.
type notFound struct{ field, detail string }

func (e *notFound) Error() string { return e.detail }

// movedTo says that what was asked for goes by another id now.
type movedTo struct {
	prefix, suffix string // of the path around the id
	id             identity.Anchor
}

func (e *movedTo) Error() string { return "moved to " + e.id.String() }

// conflict says that the state of a thing does not allow what was asked.
type conflict struct{ detail string }

func (e *conflict) Error() string { return e.detail }

// retryAfter is what a client that met a busy or absent store is told to wait, in seconds.
const retryAfter = 2

// fail answers with the error's problem document. This is the one table of errors and statuses.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	var (
		field    *fieldError
		missing  *notFound
		moved    *movedTo
		conflict *conflict
	)
	status, name, detail := http.StatusInternalServerError, "", "something went wrong here; it is in the log"
	switch {
	case errors.As(err, &moved):
		location := moved.prefix + moved.id.String() + moved.suffix
		if r.URL.RawQuery != "" {
			location += "?" + r.URL.RawQuery
		}
		w.Header().Set("Location", location)
		w.WriteHeader(http.StatusPermanentRedirect)
		return
	case errors.As(err, &field):
		status, name, detail = http.StatusBadRequest, field.field, field.detail
	case errors.As(err, &missing):
		status, name, detail = http.StatusNotFound, missing.field, missing.detail
	case errors.As(err, &conflict):
		status, detail = http.StatusConflict, conflict.detail
	case r.Context().Err() != nil:
		return // nobody listens any more
	case errors.Is(err, errBusy):
		status, detail = http.StatusServiceUnavailable, "as many queries as may are running; try again"
	case wholeStoreFull(err):
		status, detail = http.StatusServiceUnavailable, "the store has no memory left for more queries at this moment; try again"
	case errors.Is(err, clickhouse.ErrTooSlow), errors.Is(err, context.DeadlineExceeded):
		status, detail = http.StatusUnprocessableEntity, "the query takes longer than a query may; narrow it down: a shorter time from..to, more filters, fewer dimensions in by"
	case errors.Is(err, clickhouse.ErrTooLarge):
		status, detail = http.StatusUnprocessableEntity, "the query needs more memory or rows than a query may; narrow it down: a shorter time from..to, more filters, fewer dimensions in by"
	case errors.Is(err, clickhouse.ErrUnavailable):
		status, detail = http.StatusServiceUnavailable, "the store does not answer; try again"
	case errors.Is(err, kafka.ErrUnavailable), errors.Is(err, kafka.ErrBusy):
		status, detail = http.StatusServiceUnavailable, "the log does not answer; try again"
	}
	if status >= http.StatusInternalServerError {
		s.config.Logger.Error("request failed", "path", r.URL.Path, "status", status, "error", err)
	}
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", strconv.Itoa(retryAfter))
	}
	api.Problem(w, r, status, name, detail)
}

// wholeStoreFull tells a memory limit of the whole server from that of one query: narrowing the query down would not
// help against the first.
func wholeStoreFull(err error) bool {
	var e *clickhouse.Error
	return errors.As(err, &e) && e.Kind == clickhouse.ErrTooLarge && strings.Contains(strings.ToLower(e.Message), "(total)")
}
