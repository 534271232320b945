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
		if len(body) == 0 {
			return &refusal{detail: "the body is empty; want a message"}
		}
		buffer := buffers.Get().(*[]byte)
		defer buffers.Put(buffer)
		made, why := segment.Translate((*buffer)[:0], body, segment.Request{Call: call, Good: in.Good})
		keep(buffer, made)
		if why = take(in, body, made, why); why != nil && (why.Syntax || len(body) > MaxCall) {
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
	request := segment.Request{SentAt: frame.SentAt, Context: frame.Context, Good: in.Good}
	frame.Messages((*buffer)[:0], request, func(message []byte, made segment.Translation, why *touchpoint.FieldError) bool {
		if n++; n > MaxMessages {
			return false
		}
		keep(buffer, made)
		_ = take(in, message, made, why)
		return true
	})
	if n > MaxMessages {
		return errTooLarge
	}
	return nil
}

// keep has the buffer that grew for the next message.
func keep(buffer *[]byte, made segment.Translation) {
	if made.Touchpoint != nil {
		*buffer = made.Touchpoint[:0]
	}
}

// take takes in what became of one message, or puts down why not: as a touchpoint, where one could be made of it.
func take(in *collect.Intake, message []byte, made segment.Translation, why *touchpoint.FieldError) *touchpoint.FieldError {
	if why == nil && len(message) > MaxCall {
		why = &touchpoint.FieldError{Reason: "the message is larger than 32 KB"}
	}
	if why == nil {
		why = in.Touchpoint(made.Touchpoint, touchpoint.Carrier{Sent: made.SentAt})
	}
	if why != nil {
		kept := made.Touchpoint
		if kept == nil {
			kept = message
		}
		in.Refuse(kept, why)
	}
	return why
}
