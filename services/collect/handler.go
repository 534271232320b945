package collect

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/services/api"
	"github.com/throughline/throughline/services/kafka"
)

// failures is the one table of errors and statuses: what a client can do about it stands in detail.
var failures = []struct {
	err    error
	status int
	retry  time.Duration // of Retry-After; 0: none
	field  string
	detail string
}{
	{api.ErrBodyTooLarge, http.StatusRequestEntityTooLarge, 0, "", "the body is over the limit, unpacked; send fewer touchpoints at a time"},
	{errTooMany, http.StatusRequestEntityTooLarge, 0, "", "too many touchpoints in one request; send fewer at a time"},
	{api.ErrBodyEncoding, http.StatusUnsupportedMediaType, 0, "Content-Encoding", "unknown encoding; want gzip, zstd or none"},
	{errMediaType, http.StatusUnsupportedMediaType, 0, "Content-Type", "want application/json, application/x-ndjson, application/cloudevents+json or application/cloudevents-batch+json, in UTF-8"},
	{api.ErrBodyCorrupt, http.StatusBadRequest, 0, "Content-Encoding", "the body does not unpack as its Content-Encoding says"},
	{api.ErrBodyBroken, http.StatusBadRequest, 0, "", "the body broke off"},
	{errEmpty, http.StatusBadRequest, 0, "", "the body is empty; want a touchpoint or several"},
	{api.ErrBodySlow, http.StatusRequestTimeout, 0, "", "the body came too slowly"},
	{api.ErrBodiesFull, http.StatusServiceUnavailable, time.Second, "", "too many bytes under way; try again"},
	{kafka.ErrBusy, http.StatusServiceUnavailable, time.Second, "", "the log is busy; try again, nothing is stored twice"},
	{kafka.ErrTooLarge, http.StatusRequestEntityTooLarge, 0, "", "the log does not take a record of this size"},
	{kafka.ErrUnavailable, http.StatusServiceUnavailable, 5 * time.Second, "", "the log does not answer; try again, nothing is stored twice"},
	{kafka.ErrUnknownTopic, http.StatusServiceUnavailable, 5 * time.Second, "", "the log is not set up; try again"},
	{kafka.ErrClosed, http.StatusServiceUnavailable, 5 * time.Second, "", "shutting down; try again"},
	{context.DeadlineExceeded, http.StatusServiceUnavailable, 5 * time.Second, "", "the log does not answer; try again, nothing is stored twice"},
}

var (
	errMediaType = errors.New("collect: unknown media type")
	errEmpty     = errors.New("collect: empty body")
)

// post answers POST /v1/touchpoints.
func (c *Collector) post(w http.ResponseWriter, r *http.Request) {
	workspace := api.WorkspaceOf(r.Context())
	if !c.Admit(w, r, workspace) {
		return
	}
	form, err := formOf(r.Header)
	if err != nil {
		c.Fail(w, r, err)
		return
	}
	body, err := c.bodies.Read(w, r)
	if err != nil {
		c.Fail(w, r, err)
		return
	}
	defer body.Release()
	b := c.newBatch(workspace, touchpoint.SourceHTTP)
	broken, err := b.body(form, r.Header, body.Bytes)
	if err != nil {
		c.Fail(w, r, err)
		return
	}
	c.rates.spend(workspace, b.next, c.config.Now())
	if len(b.records) > 0 {
		if err := b.append(r.Context()); err != nil {
			c.Fail(w, r, err)
			return
		}
	}
	c.metrics.of(b.source).count(b)
	if broken != nil {
		api.WriteProblem(w, http.StatusBadRequest, brokenBody{
			Document: api.NewDocument(r, http.StatusBadRequest, "", broken.Reason), Rejected: b.answer.Rejected})
	} else {
		h := w.Header()
		h["Content-Type"] = jsonType
		w.WriteHeader(http.StatusAccepted)
		w.Write(b.answer.appendJSON(nil))
	}
	b.release()
}

var jsonType = []string{"application/json"}

// brokenBody is the problem document of a body that is not JSON, with the members of an answer.
type brokenBody struct {
	api.Document
	Accepted int       `json:"accepted"`
	Rejected []Refused `json:"rejected"`
}

// Fail answers with the error's problem document: one of reading a body, or of Append.
func (c *Collector) Fail(w http.ResponseWriter, r *http.Request, err error) {
	for _, f := range failures {
		if errors.Is(err, f.err) {
			if f.retry > 0 {
				retryAfter(w, f.retry)
			}
			api.Problem(w, r, f.status, f.field, f.detail)
			return
		}
	}
	if r.Context().Err() != nil {
		api.Gone(w, r)
		return
	}
	// By route: the path of a webhook is a secret.
	c.log.Error("request failed", "route", r.Pattern, "error", err)
	api.Problem(w, r, http.StatusInternalServerError, "", "something went wrong here; it is in the log")
}

func retryAfter(w http.ResponseWriter, wait time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(wait.Seconds())))))
}

// form is how a body carries touchpoints.
type form int

const (
	formJSON form = iota
	formLines
	formEvent
	formEvents
	formBinaryEvent
)

// formOf reads the form off the headers; an unknown one is errMediaType.
func formOf(h http.Header) (form, error) {
	mediaType := h.Get("Content-Type")
	name, parameters, _ := strings.Cut(mediaType, ";")
	if !utf8Parameters(parameters) {
		return 0, fmt.Errorf("%w: %s", errMediaType, mediaType)
	}
	switch name = strings.TrimSpace(name); {
	case strings.EqualFold(name, "application/json"):
		if len(h["Ce-Specversion"]) > 0 {
			return formBinaryEvent, nil
		}
		return formJSON, nil
	case strings.EqualFold(name, "application/x-ndjson"):
		return formLines, nil
	case strings.EqualFold(name, "application/cloudevents+json"):
		return formEvent, nil
	case strings.EqualFold(name, "application/cloudevents-batch+json"):
		return formEvents, nil
	}
	return 0, fmt.Errorf("%w: %s", errMediaType, mediaType)
}

func utf8Parameters(parameters string) bool {
	for p := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		if strings.EqualFold(name, "charset") && !strings.EqualFold(strings.Trim(value, `"`), "utf-8") {
			return false
		}
	}
	return true
}

// isJSON tells whether a CloudEvent's datacontenttype is JSON.
func isJSON(mediaType string) bool {
	name, parameters, _ := strings.Cut(mediaType, ";")
	name = strings.ToLower(strings.TrimSpace(name))
	return (name == "application/json" || strings.HasSuffix(name, "+json")) && utf8Parameters(parameters)
}

// body judges a request's body. broken is set when it is not JSON at all and nothing in it was good; its dead letter
// is among the records all the same.
func (b *batch) body(f form, h http.Header, body []byte) (broken *touchpoint.FieldError, err error) {
	i := skipSpace(body, 0)
	if i == len(body) {
		return nil, errEmpty
	}
	switch f {
	case formLines:
		return nil, b.lines(body)
	case formEvent:
		if why := b.event(body); why != nil && why.Syntax {
			return why, nil
		}
		return nil, nil
	case formEvents:
		return b.events(body)
	case formBinaryEvent:
		return b.binaryEvent(h, body), nil
	}
	if body[i] == '[' {
		return b.array(body)
	}
	return b.object(body), nil
}
