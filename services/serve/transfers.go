package serve

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/touchpoint"
	words "github.com/throughline/throughline/schemas/transfer"
	"github.com/throughline/throughline/services/transfer"
)

// Bounds of what is asked about transfers.
const (
	minTransfer     = time.Minute
	maxTransfer     = 7 * 24 * time.Hour
	dayOfTransfer   = 24 * time.Hour
	maxOpener       = 8   // identifiers of one opening
	maxAttempt      = 128 // bytes
	transferThreads = 8   // of the conversation, on the offer
	manyTouchpoints = 1000
)

// lastOfAMillisecond is behind everything that happened in one.
var lastOfAMillisecond = identity.Anchor(bytes.Repeat([]byte{0xff}, len(identity.Anchor{})))

// errNoTransfers is returned where this process offers none.
var errNoTransfers = &notFound{"", "this process does not offer transfers"}

// Transfer is an offer to go on elsewhere. Link and code are secrets of the customer: they are shown once, here.
type Transfer struct {
	ID          string `json:"id"`
	ToChannel   string `json:"to_channel"`
	Token       string `json:"token"`
	Path        string `json:"path"` // that opens it
	ExpiresAt   Time   `json:"expires_at"`
	Code        string `json:"code"` // to say on the phone
	CodeExpires Time   `json:"code_expires_at"`
	Thread      string `json:"thread"` // that touchpoints of either side may carry
}

// transferRequest is the body of POST /v1/conversations/{id}/transfer.
type transferRequest struct {
	ToChannel string `json:"to_channel"`
	ExpiresIn *int   `json:"expires_in"` // seconds
	User      string `json:"user"`
}

// offerTransfer answers POST /v1/conversations/{id}/transfer.
func (s *Server) offerTransfer(w http.ResponseWriter, r *http.Request, c *call) error {
	if err := c.query.done(); err != nil {
		return err
	}
	if s.config.Transfers == nil {
		return errNoTransfers
	}
	id, err := pathID("id", r.PathValue("id"))
	if err != nil {
		return err
	}
	var v transferRequest
	if err := s.readBody(w, r, &v); err != nil {
		return err
	}
	if _, ok := s.config.Registry.Channel(v.ToChannel); !ok {
		return &fieldError{"to_channel", "want a channel of the registry, such as app or whatsapp"}
	}
	life := dayOfTransfer
	if v.ExpiresIn != nil {
		if *v.ExpiresIn < int(minTransfer/time.Second) || *v.ExpiresIn > int(maxTransfer/time.Second) {
			return &fieldError{"expires_in", fmt.Sprintf("want seconds from %d to %d", minTransfer/time.Second, maxTransfer/time.Second)}
		}
		life = time.Duration(*v.ExpiresIn) * time.Second
	}
	if v.User, err = s.speaker(r, v.User); err != nil {
		return err
	}
	of, err := s.follow(r.Context(), c, id)
	if err != nil {
		return err
	}
	customer, err := s.customerOf(r.Context(), c, of)
	if err != nil {
		return err
	}
	given, err := s.config.Transfers.Offer(r.Context(), c.workspace, of.ID, v.ToChannel, life)
	if err != nil {
		return err
	}
	said := s.transferTouchpoint(words.Offered, given.ID, s.config.Now())
	said.ID = "transfer-" + given.ID + "-offered"
	said.Channel, said.Direction, said.Actor = customer.channel, touchpoint.Outbound, touchpoint.Actor{Type: touchpoint.System}
	said.Identifiers, said.Thread = customer.identifiers, append(said.Thread, customer.threads...)
	said.Properties = properties(map[string]string{"to_channel": v.ToChannel, "expires_at": time.UnixMilli(given.Expires).UTC().Format(time.RFC3339), "by": v.User})
	if err := s.tell(r.Context(), c, said); err != nil {
		return err
	}
	return answer(w, http.StatusOK, Transfer{
		ID: given.ID, ToChannel: v.ToChannel, Token: given.Token, Path: "/v1/transfers/" + given.Token + "/open", ExpiresAt: Time(time.UnixMilli(given.Expires)),
		Code: given.Code, CodeExpires: Time(time.UnixMilli(given.CodeExpires)), Thread: words.Scheme + ":" + given.ID,
	})
}

// TransferState is what may be known of a transfer without opening it: nothing of the customer.
type TransferState struct {
	Status    string `json:"status"` // offered, opened or expired
	ToChannel string `json:"to_channel"`
	ExpiresAt Time   `json:"expires_at"`
}

// getTransfer answers GET /v1/transfers/{token}.
func (s *Server) getTransfer(w http.ResponseWriter, r *http.Request, c *call) error {
	if err := c.query.done(); err != nil {
		return err
	}
	if s.config.Transfers == nil {
		return errNoTransfers
	}
	l, err := s.config.Transfers.ByToken(r.Context(), c.workspace, r.PathValue("token"))
	state := TransferState{"offered", l.Offer.Channel, Time(time.UnixMilli(l.Offer.Expires))}
	switch {
	case l.Offer.Channel == "" && err == nil, l.Offer.Channel == "" && l.ID != "":
		return transferFailure(errExpiredTransfer)
	case l.Opened:
		state.Status = "opened"
	case errors.Is(err, errExpiredTransfer):
		state.Status = "expired"
	case err != nil:
		return transferFailure(err)
	}
	return answer(w, http.StatusOK, state)
}

// currentConversation is the conversation of an id; the error is a redirect when it goes by another one now.
func (s *Server) currentConversation(ctx context.Context, c *call, id identity.Anchor) (Conversation, error) {
	found, err := s.conversationRow(ctx, c, id)
	if err != nil {
		return found, err
	}
	return s.current(ctx, c, found)
}

// follow is currentConversation by whatever name it goes now.
func (s *Server) follow(ctx context.Context, c *call, id identity.Anchor) (of Conversation, err error) {
	for range 5 {
		of, err = s.currentConversation(ctx, c, id)
		var moved *movedTo
		if !errors.As(err, &moved) {
			return of, err
		}
		id = moved.id
	}
	return of, err
}

// customer is whose conversation it is, as a touchpoint about it must name them.
type customer struct {
	who         who
	identifiers []touchpoint.Identifier // that somebody vouched for, of the first touchpoint that has any
	threads     []string
	channel     string // of the last touchpoint
}

// customerOf reads who it is out of the conversation's touchpoints. Those of participants say nothing about the customer. Of one who is
// anonymous there are only threads.
func (s *Server) customerOf(ctx context.Context, c *call, of Conversation) (out customer, err error) {
	if out.who, err = s.resolve(ctx, c, of.Person); err != nil {
		return out, err
	}
	list, more, err := s.touchpointsOf(ctx, c, of, manyTouchpoints, nil)
	if err != nil {
		return out, err
	}
	for i := range list {
		t := &list[i]
		out.channel = t.Channel
		for _, thread := range t.Thread {
			if len(out.threads) < transferThreads && !slices.Contains(out.threads, thread) && !strings.HasPrefix(thread, words.Scheme+":") {
				out.threads = append(out.threads, thread)
			}
		}
		if len(out.identifiers) > 0 || t.anchor != of.row.Anchor && !out.who.has(t.anchor) {
			continue
		}
		for _, one := range t.Identifiers {
			if one.Verified && len(out.identifiers) < maxOpener {
				out.identifiers = append(out.identifiers, one)
			}
		}
	}
	if more != "" { // the last of all came in the conversation's last millisecond
		list, _, err := s.touchpointsOf(ctx, c, of, manyTouchpoints, &cursor{list: conversationList, order: time.Time(of.Last).UnixMilli() - 1, id: lastOfAMillisecond})
		if err != nil {
			return out, err
		}
		if len(list) > 0 {
			out.channel = list[len(list)-1].Channel
		}
	}
	if out.channel == "" {
		return out, &notFound{"id", fmt.Sprintf("nothing of conversation %s is stored yet; try again", of.ID)}
	}
	return out, nil
}

// transferTouchpoint begins a touchpoint about a transfer.
func (s *Server) transferTouchpoint(kind, id string, at time.Time) *touchpoint.Touchpoint {
	return &touchpoint.Touchpoint{Time: at.UnixMilli(), Kind: kind, Source: "throughline", Thread: []string{words.Scheme + ":" + id}}
}

// tell puts a touchpoint on the log, by the door that all come through.
func (s *Server) tell(ctx context.Context, c *call, t *touchpoint.Touchpoint) error {
	data, err := t.AppendJSON(nil)
	if err != nil {
		return fmt.Errorf("serve: %s: %w", t.Kind, err)
	}
	in := s.config.Collect.Intake(c.workspace, touchpoint.SourceHTTP)
	if why := in.Touchpoint(data, touchpoint.Carrier{}); why != nil {
		in.Refuse(data, why)
	}
	if _, err := in.Append(ctx); err != nil {
		return fmt.Errorf("serve: %s: %w", t.Kind, err)
	}
	return nil
}

// Transfers offers conversations to other channels; *transfer.Desk does.
type Transfers = *transfer.Desk
