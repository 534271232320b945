package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/throughline/throughline/schemas/identity"
	"github.com/throughline/throughline/schemas/touchpoint"
	words "github.com/throughline/throughline/schemas/transfer"
	"github.com/throughline/throughline/services/api"
	"github.com/throughline/throughline/services/transfer"
	decide "github.com/throughline/throughline/streams/transfer"
)

var errExpiredTransfer = decide.ErrExpired

// errStranger is returned when who opens a transfer cannot be its customer.
var errStranger = errors.New("serve: the transfer is another customer's")

// transferFailures are why somebody is not let in, with what is put down of it.
var transferFailures = []struct {
	err    error
	reason string
	status int
	field  string
	detail string
}{
	{decide.ErrForged, "unknown", http.StatusNotFound, "token", "there is no such transfer"},
	{decide.ErrExpired, "expired", http.StatusGone, "token", "it has expired; ask for another"},
	{decide.ErrUsed, "used", http.StatusConflict, "token", "it was opened already; ask for another"},
	{decide.ErrChannel, "channel", http.StatusForbidden, "channel", "it was offered for another channel"},
	{errStranger, "customer", http.StatusForbidden, "identifiers", "these belong to another customer than the one it was offered to"},
	{transfer.ErrTooManyTries, "tries", http.StatusTooManyRequests, "code", "too many wrong codes; wait a minute"},
}

// refusedTransfer is one of transferFailures on its way to the client.
type refusedTransfer struct{ at int }

func (e *refusedTransfer) Error() string { return transferFailures[e.at].detail }

func transferFailure(err error) error {
	for i, f := range transferFailures {
		if errors.Is(err, f.err) {
			return &refusedTransfer{i}
		}
	}
	return err
}

// openRequest is the body of POST /v1/transfers/{token}/open and, with a code, of POST /v1/transfers/open.
type openRequest struct {
	Code        string          `json:"code"`
	Channel     string          `json:"channel"`
	Identifiers json.RawMessage `json:"identifiers"`
	Attempt     string          `json:"attempt"`
}

// OpenedTransfer is what is there when a transfer was opened: the conversation, as it is before it goes on.
type OpenedTransfer struct {
	ID     string `json:"id"`
	Thread string `json:"thread"` // that what follows should carry
	ConversationDetail
}

// openTransfer answers POST /v1/transfers/{token}/open.
func (s *Server) openTransfer(w http.ResponseWriter, r *http.Request, c *call) error {
	return s.opening(w, r, c, func(ctx context.Context, v *openRequest) (transfer.Link, error) {
		if v.Code != "" {
			return transfer.Link{}, &fieldError{"code", "want either a link or a code"}
		}
		return s.config.Transfers.ByToken(ctx, c.workspace, r.PathValue("token"))
	})
}

// openByCode answers POST /v1/transfers/open.
func (s *Server) openByCode(w http.ResponseWriter, r *http.Request, c *call) error {
	return s.opening(w, r, c, func(ctx context.Context, v *openRequest) (transfer.Link, error) {
		if v.Code == "" {
			return transfer.Link{}, &fieldError{"code", "missing; want the eight digits that the customer was told"}
		}
		return s.config.Transfers.ByCode(ctx, c.workspace, v.Code)
	})
}

// opening lets somebody in, or puts down why not. Nothing of the conversation is read for whoever is not let in.
func (s *Server) opening(w http.ResponseWriter, r *http.Request, c *call, find func(context.Context, *openRequest) (transfer.Link, error)) error {
	if err := c.query.done(); err != nil {
		return err
	}
	if s.config.Transfers == nil {
		return errNoTransfers
	}
	var v openRequest
	if err := s.readBody(w, r, &v); err != nil {
		return err
	}
	opener, names, err := s.openerOf(c, &v)
	if err != nil {
		return err
	}
	ctx := r.Context()
	l, err := find(ctx, &v)
	if err != nil {
		return s.turnAway(ctx, c, l, v.Channel, err)
	}
	attempt, err := s.config.Transfers.Attempt(ctx, l, v.Attempt, v.Channel, names)
	if err != nil {
		return err
	}
	if err := s.config.Transfers.May(ctx, l, v.Channel, attempt); err != nil {
		return s.turnAway(ctx, c, l, v.Channel, err)
	}
	of, err := s.follow(ctx, c, l.Offer.Conversation)
	if err != nil {
		return err
	}
	customer, err := s.customerOf(ctx, c, of)
	if err != nil {
		return err
	}
	if err := s.sameCustomer(ctx, c, customer, opener); err != nil {
		return s.turnAway(ctx, c, l, v.Channel, err)
	}
	at, err := s.config.Transfers.Open(ctx, l, v.Channel, attempt)
	if err != nil {
		return s.turnAway(ctx, c, l, v.Channel, err)
	}
	said := s.transferTouchpoint(words.Opened, l.ID, time.UnixMilli(at))
	said.ID = "transfer-" + l.ID + "-opened"
	said.Channel, said.Direction, said.Actor = v.Channel, touchpoint.Inbound, touchpoint.Actor{Type: touchpoint.Customer}
	said.Identifiers = append(append(said.Identifiers, customer.identifiers...), opener...)
	if len(customer.identifiers) == 0 { // who was anonymous follows the thread
		said.Thread = append(said.Thread, customer.threads...)
	}
	said.Properties = properties(map[string]string{"from_channel": customer.channel})
	if err := s.tell(ctx, c, said); err != nil {
		return err
	}
	out := OpenedTransfer{ID: l.ID, Thread: words.Scheme + ":" + l.ID, ConversationDetail: detailOf(of, s.promisesAbout(c, &of))}
	if out.Touchpoints, out.Next, err = s.touchpointsOf(ctx, c, of, 200, nil); err != nil {
		return err
	}
	return answer(w, http.StatusOK, out)
}

// openerOf reads who opens it, as identifiers that the channel vouches for.
func (s *Server) openerOf(c *call, v *openRequest) (opener []touchpoint.Identifier, names []string, err error) {
	if _, ok := s.config.Registry.Channel(v.Channel); !ok {
		return nil, nil, &fieldError{"channel", "want the channel in which it is opened, such as app or whatsapp"}
	}
	if len(v.Attempt) > maxAttempt || !plain(v.Attempt) {
		return nil, nil, &fieldError{"attempt", fmt.Sprintf("want UTF-8 text of at most %d bytes", maxAttempt)}
	}
	var given []json.RawMessage
	if err := json.Unmarshal(v.Identifiers, &given); err != nil || len(given) == 0 || len(given) > maxOpener {
		return nil, nil, &fieldError{"identifiers", fmt.Sprintf("want a list of 1 to %d objects with type and value: who the customer is in this channel", maxOpener)}
	}
	for i, raw := range given {
		field := fmt.Sprintf("identifiers[%d]", i)
		var one struct {
			Type  string `json:"type"`
			Value string `json:"value"`
		}
		if err := strictly(field+".", raw, &one); err != nil {
			return nil, nil, err
		}
		if one.Type == "" || one.Value == "" || one.Type == identity.ThreadType || len(one.Value) > touchpoint.MaxValue || !plain(one.Type+one.Value) {
			return nil, nil, &fieldError{field, "want a type such as whatsapp or customer_id, and a value"}
		}
		id, err := s.normalise(c.workspace, touchpoint.Identifier{Type: one.Type, Value: one.Value, Verified: true})
		if err != nil {
			return nil, nil, &fieldError{field + ".value", err.Error()}
		}
		if id.Value == "" {
			return nil, nil, &fieldError{field + ".type", "this workspace does not keep identifiers of this type"}
		}
		opener, names = append(opener, id), append(names, id.String())
	}
	return opener, names, nil
}

// sameCustomer tells whether one person may have all identifiers of the customer and of who opens it: a person has one customer_id,
// and who has another one is somebody else, whatever link they hold.
func (s *Server) sameCustomer(ctx context.Context, c *call, of customer, opener []touchpoint.Identifier) error {
	values := map[string]map[string]bool{}
	add := func(id touchpoint.Identifier) {
		if values[id.Type] == nil {
			values[id.Type] = map[string]bool{}
		}
		values[id.Type][id.Value] = true
	}
	asked := map[identity.PersonID]bool{}
	known := func(p who) error {
		if asked[p.id] {
			return nil
		}
		asked[p.id] = true
		_, list, err := s.uses(ctx, c, p)
		for _, id := range list {
			if id.Verified {
				add(touchpoint.Identifier{Type: id.Type, Value: id.Value})
			}
		}
		return err
	}
	if err := known(of.who); err != nil {
		return err
	}
	for _, id := range opener {
		add(id)
		p, err := s.resolve(ctx, c, identity.AnchorOf(c.workspace, id.Type, id.Value))
		if err != nil {
			return err
		}
		if err := known(p); err != nil {
			return err
		}
	}
	for _, t := range s.config.Rules.Rules(c.workspace).Types {
		if t.Max > 0 && len(values[t.Name]) > t.Max {
			return errStranger
		}
	}
	return nil
}

// turnAway puts down that somebody was not let in: on the log of transfers, and at the conversation where the transfer is one of this
// workspace. It returns what the client is told.
func (s *Server) turnAway(ctx context.Context, c *call, l transfer.Link, channel string, why error) error {
	failed := transferFailure(why)
	var refused *refusedTransfer
	if !errors.As(failed, &refused) {
		return why
	}
	f := transferFailures[refused.at]
	if f.status == http.StatusTooManyRequests {
		return failed // whoever guesses must not fill the log
	}
	if err := s.config.Transfers.Refused(ctx, c.workspace, l.ID, f.reason, channel); err != nil {
		return err
	}
	if l.Offer.Channel == "" {
		return failed
	}
	of, err := s.follow(ctx, c, l.Offer.Conversation)
	if err != nil {
		return failed
	}
	customer, err := s.customerOf(ctx, c, of)
	if err != nil {
		return failed
	}
	said := s.transferTouchpoint(words.Refused, l.ID, s.config.Now())
	said.ID = "transfer-" + l.ID + "-refused-" + uuid.Must(uuid.NewV7()).String()
	said.Channel, said.Direction, said.Actor = channel, touchpoint.Internal, touchpoint.Actor{Type: touchpoint.System}
	said.Identifiers, said.Properties = customer.identifiers, properties(map[string]string{"reason": f.reason})
	if err := s.tell(ctx, c, said); err != nil {
		return err
	}
	return failed
}

// failTransfer answers somebody who is not let in.
func failTransfer(w http.ResponseWriter, r *http.Request, e *refusedTransfer) {
	f := transferFailures[e.at]
	if f.status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "60")
	}
	api.Problem(w, r, f.status, f.field, f.detail)
}

func properties(of map[string]string) json.RawMessage {
	out, err := json.Marshal(of)
	if err != nil {
		panic(err) // of texts
	}
	return out
}
