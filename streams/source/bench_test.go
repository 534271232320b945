package source_test

import (
	"bytes"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/segmentio/encoding/json"

	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/streams/signature"
	"github.com/throughline/throughline/streams/source/sourcetest"
)

// Mapping a body of 2 KB: at most 10 us, and at most twice what an adapter costs that was written by hand for this one provider. The proof
// that the provider sent it is timed by itself: it costs both the same, and it is the hash function's.
func BenchmarkMapping(b *testing.B) {
	fx := sourcetest.Read(b, sourcetest.Load(b, "zendesk"), filepath.Join(folder, "zendesk", "comment.request"))
	const words = "My parcel has not arrived"
	fx.Request.Body = bytes.Replace(fx.Request.Body, []byte(words), []byte(words+strings.Repeat(" and I have waited for it since Monday,", (2048-len(fx.Request.Body))/39)), 1)
	fx.Request.Headers.Del(fx.Source.Proof.Signature.Header)
	fx.Sign(b)
	// Of CPU, since the machine may be busy.
	cpu := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	measured := func(b *testing.B, f func()) {
		b.ReportAllocs()
		before, n := cpu(), 0
		for b.Loop() {
			f()
			n++
		}
		b.ReportMetric(float64(cpu()-before)/float64(n)/1000, "cpu-us/op")
	}
	b.Run("file", func(b *testing.B) {
		reader := fx.Source.NewReader(nil)
		measured(b, func() {
			result, err := reader.Preview(fx.Request)
			if err != nil || len(result.Items[0].Touchpoint) == 0 {
				b.Fatal(result, err)
			}
		})
	})
	b.Run("proof", func(b *testing.B) {
		measured(b, func() {
			if err := fx.Source.Proof.Verify(&signature.Request{Headers: fx.Request.Headers, Body: fx.Request.Body}, []string{fx.Secrets["secret"]}, fx.Now); err != nil {
				b.Fatal(err)
			}
		})
	})
	b.Run("hand", func(b *testing.B) {
		var out []byte
		measured(b, func() {
			var err error
			if out, err = byHand(out[:0], fx.Request.Body); err != nil {
				b.Fatal(err)
			}
		})
	})
}

// zendeskEvent is the body as somebody would write it down who knows nothing but Zendesk.
type zendeskEvent struct {
	AccountID json.Number `json:"account_id"`
	ID        string      `json:"id"`
	Time      string      `json:"time"`
	Type      string      `json:"type"`
	Subject   string      `json:"subject"`
	Version   string      `json:"zendesk_event_version"`
	Detail    struct {
		ID             string                   `json:"id"`
		RequesterID    string                   `json:"requester_id"`
		Subject        string                   `json:"subject"`
		Tags           []string                 `json:"tags"`
		Via            struct{ Channel string } `json:"via"`
		ActorID        string                   `json:"actor_id"`
		AssigneeID     string                   `json:"assignee_id"`
		BrandID        string                   `json:"brand_id"`
		CreatedAt      string                   `json:"created_at"`
		CustomStatus   string                   `json:"custom_status"`
		Description    string                   `json:"description"`
		FormID         string                   `json:"form_id"`
		GroupID        string                   `json:"group_id"`
		IsPublic       bool                     `json:"is_public"`
		OrganizationID string                   `json:"organization_id"`
		Priority       string                   `json:"priority"`
		Status         string                   `json:"status"`
		SubmitterID    string                   `json:"submitter_id"`
		Type           string                   `json:"type"`
		UpdatedAt      string                   `json:"updated_at"`
	} `json:"detail"`
	Event struct {
		Comment struct {
			ID       string `json:"id"`
			Body     string `json:"body"`
			IsPublic bool   `json:"is_public"`
			Author   struct {
				ID      string `json:"id"`
				Name    string `json:"name"`
				IsStaff bool   `json:"is_staff"`
			} `json:"author"`
		} `json:"comment"`
	} `json:"event"`
}

// byHand keeps the same as the file does.
func byHand(dst, body []byte) ([]byte, error) {
	var e zendeskEvent
	if err := json.Unmarshal(body, &e); err != nil {
		return dst, err
	}
	at, err := strconv.ParseInt(e.Time[:4], 10, 64) // the year stands for the whole here
	if err != nil {
		return dst, err
	}
	direction, actor := "inbound", "customer"
	if e.Event.Comment.Author.IsStaff {
		direction, actor = "outbound", "agent"
	}
	properties, err := json.Marshal(map[string]any{"account_id": e.AccountID, "detail": e.Detail, "event": e.Event, "id": e.ID, "subject": e.Subject, "type": e.Type,
		"zendesk_event_version": e.Version})
	if err != nil {
		return dst, err
	}
	t := touchpoint.Touchpoint{ID: "zendesk:" + e.ID, Time: at, Channel: e.Detail.Via.Channel, Direction: touchpoint.Direction(direction), Kind: "message",
		Actor:       touchpoint.Actor{Type: touchpoint.ActorType(actor), ID: e.Event.Comment.Author.ID, Name: e.Event.Comment.Author.Name},
		Identifiers: []touchpoint.Identifier{{Type: "zendesk", Value: e.Detail.RequesterID, Verified: true}},
		Thread:      []string{"ticket:zendesk-" + e.Detail.ID}, Subject: e.Detail.Subject, Text: e.Event.Comment.Body, Tags: e.Detail.Tags, Source: "zendesk",
		Properties: properties}
	return t.AppendJSON(dst)
}
