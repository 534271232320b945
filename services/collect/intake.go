package collect

import (
	"context"
	"net/http"

	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/services/api"
)

// Intake takes in what another door made of one request: judged by the same rules, with the same dead letters, and on the log
// before anybody is told. It is not safe for use by several goroutines.
type Intake struct{ b *batch }

// Intake begins a request of a workspace; source is one of touchpoint's and says in dead letters and metrics by which door it came.
func (c *Collector) Intake(workspace, source string) *Intake {
	return &Intake{c.newBatch(workspace, source)}
}

// Now is when the request was received, ms since 1970.
func (i *Intake) Now() int64 { return i.b.now }

// Touchpoint judges data, the JSON of a touchpoint, which may be used again afterwards. An error is returned and not put down: that is
// for Refuse.
func (i *Intake) Touchpoint(data []byte, carrier touchpoint.Carrier) *touchpoint.FieldError {
	_, why := i.b.judge(data, carrier)
	return why
}

// Refuse puts down why data was not accepted: it becomes a dead letter, as far as it may be kept. A touchpoint can be repaired there and
// sent again; of anything else the whole touchpoint must be given.
func (i *Intake) Refuse(data []byte, why *touchpoint.FieldError) { i.b.refuse(data, why) }

// Good tells whether a value is one of an identifier's type by the workspace's rules.
func (i *Intake) Good(typ, value string) bool {
	_, err := i.b.rules.Normalise(touchpoint.Identifier{Type: typ, Value: value})
	return err == nil
}

// Append puts everything into the log and returns when it has it; the Intake must not be used afterwards. The error is one for
// Collector.Fail.
func (i *Intake) Append(ctx context.Context) (Answer, error) {
	b := i.b
	c := b.c
	c.rates.spend(b.workspace, b.next, c.config.Now())
	if len(b.records) > 0 {
		if err := b.append(ctx); err != nil {
			return Answer{}, err
		}
	}
	c.metrics.of(b.source).count(b)
	answer := Answer{Accepted: b.answer.Accepted, Rejected: append([]Refused(nil), b.answer.Rejected...), IDs: append([]MadeID(nil), b.answer.IDs...)}
	b.release()
	return answer, nil
}

// Body reads a request's body within the bounds that all doors share. The error is one for Fail.
func (c *Collector) Body(w http.ResponseWriter, r *http.Request) (*api.Body, error) {
	return c.bodies.Read(w, r)
}

// Admit tells whether the workspace may send now, and otherwise answers that it must wait.
func (c *Collector) Admit(w http.ResponseWriter, r *http.Request, workspace string) bool {
	wait, ok := c.rates.admit(workspace, c.config.Now())
	if !ok {
		retryAfter(w, wait)
		api.Problem(w, r, http.StatusTooManyRequests, "", "this workspace sends more touchpoints a second than it may")
	}
	return ok
}
