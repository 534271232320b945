package serve

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/services/api"
	"github.com/throughline/throughline/services/clickhouse"
)

// DeadLetter is a touchpoint that was refused.
type DeadLetter struct {
	ID         string  `json:"id"`
	Time       Time    `json:"time"` // of the refusal
	Source     string  `json:"source"`
	Position   string  `json:"position"`
	Touchpoint string  `json:"touchpoint,omitempty"` // its id, where one could be read
	Field      string  `json:"field,omitempty"`
	Reason     string  `json:"reason"`
	Status     string  `json:"status"`
	Size       uint64  `json:"size"`            // of its bytes
	Bytes      []byte  `json:"bytes,omitempty"` // base64; only of a single letter
	Text       *string `json:"text,omitempty"`  // the bytes, where they are UTF-8

	time    time.Time
	version uint64
}

// DeadLetters is a page of them, newest first.
type DeadLetters struct {
	DeadLetters []DeadLetter `json:"dead_letters"`
	Next        string       `json:"next,omitempty"`
}

const deadLetterColumns = `id, version, time, source, position, touchpoint, field, reason, status, length(bytes)`

// scanDeadLetter reads deadLetterColumns, and what further columns follow them into more.
func scanDeadLetter(r *clickhouse.Rows, more ...any) (d DeadLetter, err error) {
	err = r.Scan(append([]any{&d.ID, &d.version, &d.time, &d.Source, &d.Position, &d.Touchpoint, &d.Field, &d.Reason, &d.Status, &d.Size}, more...)...)
	d.Time = Time(d.time)
	return d, err
}

// listDeadLetters answers GET /v1/dead-letters.
func (s *Server) listDeadLetters(w http.ResponseWriter, r *http.Request, c *call) error {
	q := c.query
	params := clickhouse.Params{"workspace": c.workspace}
	where := []string{"workspace = {workspace:String}"}
	where = anyOf(where, params, "status", q.listOf("status", touchpoint.Kept, touchpoint.Resent))
	where = anyOf(where, params, "source", q.listOf("source", touchpoint.SourceHTTP, touchpoint.SourceRaw, touchpoint.SourceSegment, touchpoint.SourceWebhook, touchpoint.SourceConflict, touchpoint.SourceLog))
	where = anyOf(where, params, "field", q.list("field"))
	limit := q.number("limit", 50, 1, 200)
	after := q.cursor(deadLetterList)
	if err := q.done(); err != nil {
		return err
	}
	params["limit"] = limit + 1
	if after != nil {
		where = append(where, "(-toUnixTimestamp64Milli(time), id) > ({order:Int64}, {id:String})")
		params["order"], params["id"] = after.order, after.id.String()
	}
	const ordered = ` ORDER BY toUnixTimestamp64Milli(time) DESC, id`
	sql := `SELECT ` + deadLetterColumns + ` FROM ` + c.tables.Rejected + ` FINAL
WHERE workspace = {workspace:String} AND id IN (
	SELECT id FROM ` + c.tables.Rejected + ` FINAL WHERE ` + strings.Join(where, " AND ") + ordered + ` LIMIT {limit:UInt32})` + ordered
	page := DeadLetters{DeadLetters: []DeadLetter{}}
	err := s.store.each(r.Context(), s.store.report, sql, params, func(rows *clickhouse.Rows) error {
		d, err := scanDeadLetter(rows)
		page.DeadLetters = append(page.DeadLetters, d)
		return err
	})
	if err != nil {
		return err
	}
	if len(page.DeadLetters) > limit {
		page.DeadLetters = page.DeadLetters[:limit]
		last := page.DeadLetters[limit-1]
		id, err := identity.ParseAnchor(last.ID)
		if err != nil {
			return fmt.Errorf("serve: dead letter %q: %w", last.ID, err)
		}
		page.Next = cursor{deadLetterList, -last.time.UnixMilli(), id}.String()
	}
	return answer(w, http.StatusOK, page)
}

// getDeadLetter answers GET /v1/dead-letters/{id}.
func (s *Server) getDeadLetter(w http.ResponseWriter, r *http.Request, c *call) error {
	if err := c.query.done(); err != nil {
		return err
	}
	d, err := s.deadLetter(r.Context(), c, r.PathValue("id"))
	if err != nil {
		return err
	}
	if utf8.Valid(d.Bytes) {
		text := string(d.Bytes)
		d.Text = &text
	}
	return answer(w, http.StatusOK, d)
}

func (s *Server) deadLetter(ctx context.Context, c *call, text string) (d DeadLetter, err error) {
	id, err := pathID("id", text)
	if err != nil {
		return d, err
	}
	found := false
	err = s.store.each(ctx, s.store.lookup, `SELECT `+deadLetterColumns+`, bytes FROM `+c.tables.Rejected+` FINAL
WHERE workspace = {workspace:String} AND id = {id:String}`, clickhouse.Params{"workspace": c.workspace, "id": id.String()}, func(r *clickhouse.Rows) (err error) {
		found = true
		var bytes string
		d, err = scanDeadLetter(r, &bytes)
		d.Bytes = []byte(bytes)
		return err
	})
	if err == nil && !found {
		err = &notFound{"id", fmt.Sprintf("there is no dead letter %s", id)}
	}
	return d, err
}

// ResentAnswer says which touchpoint a dead letter became.
type ResentAnswer struct {
	Accepted int    `json:"accepted"`
	ID       string `json:"id"`
}

// resendDeadLetter answers POST /v1/dead-letters/{id}/resend. Without a body the letter is sent as it was; with one, the
// body is what it should have been.
func (s *Server) resendDeadLetter(w http.ResponseWriter, r *http.Request, c *call) error {
	if err := c.query.done(); err != nil {
		return err
	}
	body, err := s.bodies.Read(w, r)
	if err != nil {
		return err
	}
	defer body.Release()
	d, err := s.deadLetter(r.Context(), c, r.PathValue("id"))
	if err != nil {
		return err
	}
	var repaired []byte
	if len(body.Bytes) > 0 {
		repaired = body.Bytes
	}
	touchpointID, err := s.config.Collect.Resend(r.Context(), c.workspace, touchpoint.Rejected{
		Workspace: c.workspace, ID: d.ID, Version: d.version, Time: d.time.UnixMilli(), Source: d.Source, Position: d.Position,
		Touchpoint: d.Touchpoint, Field: d.Field, Reason: d.Reason, Bytes: d.Bytes, Status: d.Status,
	}, repaired)
	var again *touchpoint.FieldError
	if errors.As(err, &again) {
		api.Problem(w, r, http.StatusUnprocessableEntity, again.Field, "refused again: "+again.Reason)
		return nil
	}
	if err != nil {
		return err
	}
	return answer(w, http.StatusAccepted, ResentAnswer{Accepted: 1, ID: touchpointID})
}
