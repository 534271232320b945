package serve

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/services/api"
	"github.com/throughline/throughline/services/clickhouse"
	"github.com/throughline/throughline/services/collect"
	"github.com/throughline/throughline/services/kafka"
	"github.com/throughline/throughline/services/rehearse"
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

// retryAfter is what a client that met a busy or absent store is told to wait, in seconds.
const retryAfter = 2

const narrower = "; narrow it down: a shorter time from..to, more filters, fewer dimensions in by"

// failures is the table of errors and what they are to a client. The first that matches counts.
var failures = []struct {
	err    error
	status int
	field  string
	detail string
}{
	{errBusy, http.StatusServiceUnavailable, "", "as many queries as may are running; try again"},
	{errStoreFull, http.StatusServiceUnavailable, "", "the store has no memory left for more queries at this moment; try again"},
	{clickhouse.ErrTooSlow, http.StatusUnprocessableEntity, "", "the query takes longer than a query may" + narrower},
	{clickhouse.ErrTooLarge, http.StatusUnprocessableEntity, "", "the query needs more memory or rows than a query may" + narrower},
	{clickhouse.ErrUnavailable, http.StatusServiceUnavailable, "", "the store does not answer; try again"},
	{errTooMuchToForesee, http.StatusUnprocessableEntity, "preview", "the persons have more evidence than can be looked at beforehand; without preview it is done all the same"},
	{errTooMuchThen, http.StatusUnprocessableEntity, "as_of", "the person had more than 10000 touchpoints by then, which are too many to group anew"},
	{kafka.ErrUnavailable, http.StatusServiceUnavailable, "", "the log does not answer; try again"},
	{kafka.ErrBusy, http.StatusServiceUnavailable, "", "the log is busy; try again"},
	{rehearse.ErrBusy, http.StatusConflict, "", "another rehearsal of this workspace runs; wait until it is done"},
	{rehearse.ErrFull, http.StatusServiceUnavailable, "", "as many rehearsals as may are running; try again"},
	{rehearse.ErrNotDone, http.StatusConflict, "", "the rehearsal runs or has failed"},
	{collect.ErrResent, http.StatusConflict, "", "this dead letter was sent again already"},
	{api.ErrBodyTooLarge, http.StatusRequestEntityTooLarge, "", "the body is larger than a touchpoint may be"},
	{api.ErrBodyEncoding, http.StatusUnsupportedMediaType, "Content-Encoding", "want gzip, zstd or identity"},
	{api.ErrBodyCorrupt, http.StatusBadRequest, "Content-Encoding", "the body does not unpack"},
	{api.ErrBodyBroken, http.StatusBadRequest, "", "the body broke off"},
	{api.ErrBodySlow, http.StatusRequestTimeout, "", "the body came too slowly"},
	{api.ErrBodiesFull, http.StatusServiceUnavailable, "", "too many bodies are under way; try again"},
	{context.DeadlineExceeded, http.StatusUnprocessableEntity, "", "the query takes longer than a query may" + narrower},
}

// errStoreFull is a memory limit of the whole store, as opposed to one query's: narrowing the query down would not help.
var errStoreFull = errors.New("serve: the store is out of memory")

// fail answers with the error's problem document, or with the redirect that it is.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	var (
		field   *fieldError
		missing *notFound
		moved   *movedTo
		refused *refusedAct
		away    *refusedTransfer
	)
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
		api.Problem(w, r, http.StatusBadRequest, field.field, field.detail)
		return
	case errors.As(err, &refused):
		api.Problem(w, r, http.StatusConflict, "", "refused: "+refused.Error())
		return
	case errors.As(err, &away):
		failTransfer(w, r, away)
		return
	case errors.As(err, &missing):
		api.Problem(w, r, http.StatusNotFound, missing.field, missing.detail)
		return
	case wholeStoreFull(err):
		err = fmt.Errorf("%w: %w", errStoreFull, err)
	}
	status, name, detail := http.StatusInternalServerError, "", "something went wrong here; it is in the log"
	for _, f := range failures {
		if errors.Is(err, f.err) {
			status, name, detail = f.status, f.field, f.detail
			break
		}
	}
	if status >= http.StatusInternalServerError && r.Context().Err() != nil {
		api.Gone(w, r)
		return
	}
	if status >= http.StatusInternalServerError { // by route: the path of a transfer or a webhook is a secret
		s.config.Logger.Error("request failed", "route", r.Pattern, "status", status, "error", err)
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
