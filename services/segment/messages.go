package segment

import (
	"sync"

	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/services/collect"
	"github.com/throughline/throughline/streams/segment"
)

// buffers hold the touchpoint of one message at a time; the intake copies what it keeps.
var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 4<<10); return &b }}

// one takes in a body that is one message.
func (d *Door) one(call segment.Call) answer {
	return func(in *collect.Intake, body []byte) error {
		buffer := buffers.Get().(*[]byte)
		defer buffers.Put(buffer)
		if len(body) == 0 {
			return &refusal{detail: "the body is empty; want a message"}
		}
		why := message(in, buffer, body, segment.Request{Call: call})
		if why != nil && (why.Syntax || len(body) > MaxCall) {
			return &refusal{field: why.Field, detail: why.Reason}
		}
		return nil
	}
}

// batch takes in a body that is a batch of messages.
func (d *Door) batch(in *collect.Intake, body []byte) error {
	frame, why := segment.ReadBatch(body)
	if why != nil {
		in.Refuse(body, why)
		return &refusal{field: why.Field, detail: why.Reason}
	}
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	n := 0
	frame.Messages(func(data []byte) bool {
		if n++; n <= MaxMessages {
			message(in, buffer, data, segment.Request{SentAt: frame.SentAt, Context: frame.Context})
		}
		return n <= MaxMessages
	})
	if n > MaxMessages {
		return errTooLarge
	}
	return nil
}

// message takes in one message, or puts down why not: as a touchpoint, where one could be made of it.
func message(in *collect.Intake, buffer *[]byte, data []byte, r segment.Request) *touchpoint.FieldError {
	r.Good = in.Good
	made, why := segment.Translate((*buffer)[:0], data, r)
	if made.Touchpoint != nil {
		*buffer = made.Touchpoint[:0]
	}
	if why == nil && len(data) > MaxCall {
		why = &touchpoint.FieldError{Reason: "the message is larger than 32 KB"}
	}
	if why == nil {
		why = in.Touchpoint(made.Touchpoint, touchpoint.Carrier{Sent: made.SentAt})
	}
	if why != nil {
		kept := made.Touchpoint
		if kept == nil {
			kept = data
		}
		in.Refuse(kept, why)
	}
	return why
}
